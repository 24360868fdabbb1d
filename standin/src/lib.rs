//! A stand-in for the services that workflows talk to, with a ledger that knows what really arrived.
//!
//! The ledger is independent of the engine's own records, so "each effect exactly once" can be checked from the
//! other side of the wire. [`StandIn::start`] is for tests; the program `onward-standin` is the same server.

mod airtable;
mod cbb;
mod fault;
mod form;
mod graph;
mod hook;
mod ledger;
mod resend;
mod routes;
mod services;
mod shop;
mod sites;
mod slack;
mod smtp;
mod trouble;
mod visas;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use airtable::Airtable;
pub use cbb::{Cbb, Contact};
pub use graph::{Graph, Template};
pub use hook::{Hook, Statuses};
pub use ledger::{Received, Totals};
pub use resend::Resend;
pub use services::Services;
pub use slack::Slack;
pub use smtp::{Mail, MailServer};

use fault::Reset;
use ledger::Ledger;

#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// Where effects are written down and read back at the next start; in memory alone without it.
    pub ledger: Option<PathBuf>,
    /// Every answer waits for this long.
    pub delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 0).into(), ledger: None, delay: Duration::ZERO }
    }
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    shared: Shared,
    stop: DropGuard,
    tasks: TaskTracker,
}

/// What all connections share. The ledger is behind a lock, and not owned by a task, because an answer may only leave
/// after its entry is made: every caller would wait for that task anyway. It is held for a few synchronous lines.
#[derive(Debug, Clone)]
struct Shared {
    ledger: Arc<Mutex<Ledger>>,
    services: Arc<Mutex<Services>>,
    delay: Duration,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no code panics while it holds the ledger")
    }

    fn services(&self) -> MutexGuard<'_, Services> {
        self.services.lock().expect("no code panics while it holds the services")
    }
}

impl StandIn {
    /// On a free port of the loopback interface, with an empty ledger in memory.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> anyhow::Result<Self> {
        let ledger = match &options.ledger {
            Some(path) => Ledger::open(path)?,
            None => Ledger::default(),
        };
        let listener = TcpListener::bind(options.address).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", options.address))?;
        let address = listener.local_addr()?;
        let shared = Shared { ledger: Arc::new(Mutex::new(ledger)), services: Arc::default(), delay: options.delay };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accept(
            listener,
            routes::router(shared.clone()),
            tasks.clone(),
            stop.clone(),
        )));
        tasks.close();
        Ok(Self { address, shared, stop: stop.drop_guard(), tasks })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What arrived, the oldest first; of very many requests only the newest are kept.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.ledger().received()
    }

    pub fn totals(&self) -> Totals {
        self.shared.ledger().totals("")
    }

    /// Looks at the services beside the shop, or changes them.
    pub fn services(&self) -> MutexGuard<'_, Services> {
        self.shared.services()
    }

    /// The names that lead here when a program maps them: the services' own.
    pub fn sites() -> impl Iterator<Item = &'static str> {
        sites::SITES.iter().map(|(host, _)| *host)
    }

    /// The most requests of a path that were unanswered at the same time.
    pub fn most_at_once(&self, path: &str) -> u64 {
        self.shared.ledger().most_at_once(path)
    }

    /// Ends every connection and waits until that is done.
    pub async fn stop(self) {
        drop(self.stop);
        self.tasks.wait().await;
    }
}

async fn accept(listener: TcpListener, router: Router, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tasks.spawn(stop.clone().run_until_cancelled_owned(serve(stream, router.clone())));
            }
            // The peer went away, or descriptors ran out; in both cases the next one may be fine.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// hyper by hand and not `axum::serve`, because a service that returns an error closes the connection without an
/// answer, which is one of the faults on offer.
async fn serve(stream: TcpStream, router: Router) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let router = router.clone();
        if let Some(uri) = sites::located(request.uri(), request.headers()) {
            *request.uri_mut() = uri;
        }
        async move {
            let answered: Result<Response, Infallible> = router.oneshot(request.map(axum::body::Body::new)).await;
            let Ok(response) = answered;
            if response.extensions().get::<Reset>().is_some() {
                return Err(io::Error::from(io::ErrorKind::ConnectionReset));
            }
            Ok(response)
        }
    });
    // An error here is the client's business, or a fault that was asked for.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
