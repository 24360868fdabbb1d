//! The REST API: parses a request, calls the engine once, shapes the answer.
//!
//! Start at [`serve`]; the routes are one file per kind of thing in `routes/`. Every error leaves as an RFC 9457 problem
//! made in `problem`; a handler never builds one of its own.

mod auth;
mod body;
mod deadline;
mod idempotency;
mod page;
mod path;
mod problem;
mod request;
mod request_id;
mod router;
mod routes;
mod serve;
mod signature;

pub use problem::{Code, Problem};
pub use router::{Api, Settings, paths, router};
pub use serve::{ServeError, serve};
