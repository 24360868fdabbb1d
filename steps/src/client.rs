//! The HTTP clients that every step goes out with.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use crate::Settings;
use crate::destination::Destinations;

const CONNECT_MAX: Duration = Duration::from_secs(10);
const IDLE_CONNECTIONS_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) destinations: Destinations,
    /// Keeps connections, for requests that may be sent again.
    pub(crate) pooled: Client,
    /// A new connection for each request. A kept connection that the server closes in the same moment looks like a
    /// request without an answer, and for what must not be repeated that means waiting for a person.
    pub(crate) fresh: Client,
}

impl Clients {
    pub(crate) fn new(settings: Settings) -> Result<Self, reqwest::Error> {
        // Fails only if one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let destinations = Destinations::new(settings.http_hosts, settings.allow_private_addresses);
        let builder = || guarded(&destinations, &settings.user_agent);
        Ok(Self {
            pooled: builder().pool_max_idle_per_host(IDLE_CONNECTIONS_MAX).build()?,
            fresh: builder().pool_max_idle_per_host(0).http1_only().build()?,
            destinations,
        })
    }
}

/// No proxy from the environment, because a proxy would resolve names itself, past the guard; redirects are followed
/// by hand for the same reason. No retries of the client's own: an attempt is one attempt.
fn guarded(destinations: &Destinations, user_agent: &str) -> ClientBuilder {
    Client::builder()
        .dns_resolver(Arc::new(destinations.clone()))
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_MAX)
        .user_agent(user_agent)
}
