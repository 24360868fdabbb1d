use std::net::{Ipv4Addr, TcpListener};

/// A loopback port that was free a moment ago. For programs that cannot be told to take port 0 and say which they got.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind to a port of the kernel's choice");
    listener.local_addr().expect("a bound socket has an address").port()
}
