//! Where a request may go: decided on the parsed URL, and again on the addresses its name resolves to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderValue;

use crate::address::is_public;
use crate::hosts::Mapped;

/// A URL that may be requested.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) url: Url,
    /// The name the author wrote, when the request goes to a mapped port instead.
    pub(crate) host: Option<HeaderValue>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DestinationError {
    #[error("only http:// and https:// addresses can be requested")]
    Scheme,
    #[error("a user name or password in the address is not accepted, use the `authorization` header")]
    Credentials,
    /// One text for every reason, so that an answer does not map the network for whoever writes documents.
    #[error("this destination is not allowed")]
    Refused,
}

#[derive(Debug, thiserror::Error)]
#[error("the name could not be resolved")]
pub(crate) struct NameError(#[source] std::io::Error);

/// The rules of this server, shared by the check of URLs and the resolver.
#[derive(Debug, Clone)]
pub(crate) struct Destinations {
    hosts: Arc<HashMap<String, Mapped>>,
    allow_private: bool,
}

impl Destinations {
    pub(crate) fn new(hosts: Vec<(String, Mapped)>, allow_private: bool) -> Self {
        Self { hosts: Arc::new(hosts.into_iter().collect()), allow_private }
    }

    /// The resolver is never asked about an address written as a number, so those are judged here; the parser has
    /// already turned `0x7f.1`, `2130706433` and the like into the address they mean.
    pub(crate) fn check(&self, url: &Url) -> Result<Destination, DestinationError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(DestinationError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(DestinationError::Credentials);
        }
        let host = url.host_str().ok_or(DestinationError::Refused)?;
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return if self.allows(address) {
                Ok(Destination { url: url.clone(), host: None })
            } else {
                Err(DestinationError::Refused)
            };
        }
        let Some(mapped) = self.hosts.get(host) else {
            return Ok(Destination { url: url.clone(), host: None });
        };
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let authority = HeaderValue::from_str(&authority).map_err(|_| DestinationError::Refused)?;
        let mut url = url.clone();
        if mapped.plain {
            url.set_scheme("http").map_err(|()| DestinationError::Refused)?;
        }
        url.set_port(Some(mapped.address.port())).map_err(|()| DestinationError::Refused)?;
        Ok(Destination { url, host: Some(authority) })
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

impl Resolve for Destinations {
    /// The connection uses exactly what this returns, so a name that changes its mind between two look-ups gains
    /// nothing.
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.clone();
        Box::pin(async move {
            if let Some(mapped) = destinations.hosts.get(name.as_str()) {
                return Ok(Box::new(std::iter::once(mapped.address)) as Addrs);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NameError)?;
            let allowed: Vec<_> = found.filter(|address| destinations.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(DestinationError::Refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
