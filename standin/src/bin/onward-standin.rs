//! The stand-in server as a program, for the examples and for tests that kill processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use onward_standin::{Options, StandIn};

/// Plays the services of the examples and keeps a ledger of what it was asked to do (GET /ledger).
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:9101")]
    listen: SocketAddr,
    /// File in which the ledger survives a restart
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Wait this long before every answer
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { listen, ledger, delay_ms } = Arguments::parse();
    let options = Options { address: listen, ledger, delay: Duration::from_millis(delay_ms) };
    let standin = StandIn::start_with(options).await?;
    println!("listening on http://{}", standin.address());
    tokio::signal::ctrl_c().await?;
    standin.stop().await;
    Ok(())
}
