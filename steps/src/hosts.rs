//! The setting that sends a name to a fixed address: `shop.test=127.0.0.1:9101,api.test=http://127.0.0.1:9102`.

use std::net::{AddrParseError, IpAddr, SocketAddr};

/// More than this is a hosts file, and belongs into one.
const HOSTS_MAX: usize = 100;

/// Where requests to one name go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    pub address: SocketAddr,
    /// Spoken to without TLS, whatever the request's own address says: for stand-ins of services that have only `https`.
    pub plain: bool,
}

impl From<SocketAddr> for Mapped {
    fn from(address: SocketAddr) -> Self {
        Self { address, plain: false }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HttpHostsError {
    #[error("`{0}` has no `=`: write name=address:port, for example shop.test=127.0.0.1:9101")]
    NoAddress(String),
    #[error("`{0}` is not a host name: letters, digits, `-` and `.` only, no scheme, port or path")]
    Name(String),
    #[error("`{0}` is an address already: only names can be mapped")]
    Literal(String),
    #[error("`{address}` (for `{host}`) is not an address with a port, such as 127.0.0.1:9101 or [::1]:9101")]
    Address { host: String, address: String, source: AddrParseError },
    #[error("`{0}` is mapped twice")]
    Twice(String),
    #[error("more than {HOSTS_MAX} names are mapped")]
    TooMany,
}

/// Reads a comma-separated list of `name=address:port` or `name=http://address:port`, which does without TLS. Empty text
/// is an empty list.
pub fn parse_http_hosts(text: &str) -> Result<Vec<(String, Mapped)>, HttpHostsError> {
    let mut hosts: Vec<(String, Mapped)> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (host, address) = entry.split_once('=').ok_or_else(|| HttpHostsError::NoAddress(entry.to_owned()))?;
        let host = parse_name(host.trim())?;
        let address = address.trim();
        let (address, plain) = address.strip_prefix("http://").map_or((address, false), |address| (address, true));
        let address = address.parse().map_err(|source| HttpHostsError::Address {
            host: host.clone(),
            address: address.to_owned(),
            source,
        })?;
        if hosts.iter().any(|(known, _)| *known == host) {
            return Err(HttpHostsError::Twice(host));
        }
        if hosts.len() == HOSTS_MAX {
            return Err(HttpHostsError::TooMany);
        }
        hosts.push((host, Mapped { address, plain }));
    }
    Ok(hosts)
}

fn parse_name(host: &str) -> Result<String, HttpHostsError> {
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err(HttpHostsError::Literal(host.to_owned()));
    }
    let label =
        |label: &str| !label.is_empty() && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(HttpHostsError::Name(host.to_owned()));
    }
    Ok(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_addresses() {
        let hosts =
            parse_http_hosts(" Shop.test=127.0.0.1:9101, mail.test = [::1]:25 ,api.test=http://127.0.0.1:80").unwrap();
        let expected = [
            ("shop.test", "127.0.0.1:9101", false),
            ("mail.test", "[::1]:25", false),
            ("api.test", "127.0.0.1:80", true),
        ];
        let mapped = |(host, address, plain): (&str, &str, bool)| {
            (host.to_owned(), Mapped { address: address.parse().unwrap(), plain })
        };
        assert_eq!(hosts, expected.map(mapped));
        assert_eq!(parse_http_hosts(""), Ok(vec![]));
    }

    #[test]
    fn each_mistake_is_named() {
        let check = |text: &str, expected: &str| {
            let error = parse_http_hosts(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("shop.test", "has no `=`");
        check("http://shop.test=127.0.0.1:1", "`http://shop.test` is not a host name");
        check("shop..test=127.0.0.1:1", "is not a host name");
        check("=127.0.0.1:1", "is not a host name");
        check("10.0.0.1=127.0.0.1:1", "is an address already");
        check("[::1]=127.0.0.1:1", "is an address already");
        check("shop.test=127.0.0.1", "`127.0.0.1` (for `shop.test`)");
        check("shop.test=localhost:80", "`localhost:80`");
        check("a.test=127.0.0.1:1,A.test=127.0.0.1:2", "`a.test` is mapped twice");
        let many: Vec<String> = (0..=HOSTS_MAX).map(|number| format!("h{number}.test=127.0.0.1:1")).collect();
        check(&many.join(","), "more than 100");
    }
}
