//! The step types that this binary carries out itself, and the one HTTP client they go out with.
//!
//! A step gets its rendered config and comes back with an [`Outcome`](onward_workflows::Outcome); whether an error is
//! worth another attempt is decided here and nowhere else. Nothing in this crate knows of runs, the database or
//! retries, and nothing of what a step sends or receives is logged. Start at [`Steps::run`].

mod address;
mod client;
mod destination;
mod hosts;
mod http_request;
mod steps;

pub use hosts::{HttpHostsError, parse_http_hosts};
pub use steps::{Attempt, Settings, Steps, StepsError};
