//! A stand-in server, and steps that reach it as `shop.test`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::time::Duration;

use onward_steps::{Alone, Attempt, Settings, Steps};
use onward_testkit::standin::{Received, StandIn, Totals};
use onward_workflows::{Outcome, StepError};
use secrecy::SecretString;
use serde_json::Value;

pub const KEY: &str = "run_00000000000000000000000001/step";
pub const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// For attempts that are answered; none of them waits for it.
pub const LONG: Duration = Duration::from_secs(30);
pub static NO_SECRETS: BTreeMap<String, SecretString> = BTreeMap::new();
pub static ALONE: LazyLock<Alone> = LazyLock::new(Alone::default);

pub struct Stand {
    standin: StandIn,
    steps: Steps,
}

impl Stand {
    /// `closed.test` is a port on which nobody listens.
    pub async fn start() -> Self {
        let standin = StandIn::start().await.unwrap();
        let hosts =
            [("shop.test", standin.address()), ("other.test", standin.address()), ("closed.test", closed_port())];
        let http_hosts = hosts.map(|(host, address)| (host.to_owned(), address.into())).into();
        let steps = Steps::new(Settings { http_hosts, ..Settings::default() }).unwrap();
        Self { standin, steps }
    }

    pub async fn run(&self, config: &Value, timeout: Duration) -> Outcome {
        let attempt = Attempt {
            step_type: "http.request",
            config,
            idempotency_key: KEY,
            timeout,
            trace_parent: Some(TRACE_PARENT),
            secrets: &NO_SECRETS,
            backing: &*ALONE,
        };
        self.steps.run(attempt).await
    }

    /// Runs an attempt whose request arrives and is never answered, and moves the clock once it is there.
    pub async fn run_out_of_time(&self, config: &Value) -> Outcome {
        let before = self.requests().len();
        let arrival = async {
            while self.requests().len() == before {
                tokio::task::yield_now().await;
            }
            run_out_the_clock().await;
        };
        tokio::join!(self.run(config, LONG), arrival).0
    }

    pub async fn done(&self, config: Value) -> Value {
        match self.run(&config, LONG).await {
            Outcome::Done(output) => output,
            other => panic!("{config} came to {other:?}"),
        }
    }

    pub async fn failed(&self, config: Value) -> StepError {
        failed(&config, self.run(&config, LONG).await)
    }

    pub async fn ambiguous(&self, config: Value) -> StepError {
        ambiguous(&config, self.run(&config, LONG).await)
    }

    pub fn requests(&self) -> Vec<Received> {
        self.standin.requests()
    }

    pub fn totals(&self) -> Totals {
        self.standin.totals()
    }

    pub fn only_request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub fn address(&self) -> SocketAddr {
        self.standin.address()
    }

    pub fn steps(&self) -> &Steps {
        &self.steps
    }
}

/// From here on every attempt in flight is over its time.
pub async fn run_out_the_clock() {
    tokio::time::pause();
    tokio::time::advance(LONG).await;
    tokio::time::resume();
}

pub fn failed(config: &Value, outcome: Outcome) -> StepError {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{config} came to {other:?}"),
    }
}

pub fn ambiguous(config: &Value, outcome: Outcome) -> StepError {
    match outcome {
        Outcome::Ambiguous(error) => error,
        other => panic!("{config} came to {other:?}"),
    }
}

fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
