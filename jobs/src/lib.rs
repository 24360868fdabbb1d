//! Tasks written for fang, carried out by Onward.
//!
//! [`Jobs`] is fang's queue on the engine: what a program enqueues there becomes runs. [`Jobs::work`] carries them out in
//! this process, with the leases, retries and drains of every worker. No SQL is here, and nothing decides what follows
//! from what: a task's own methods say how often it is tried, the flow does the rest. Start at `queue.rs`.

mod connect;
mod context;
mod decode;
mod failure;
mod offer;
mod queue;
mod refusal;
mod removal;
mod schedule;
mod shown;
mod work;

pub use connect::{ConnectError, Jobs};
pub use context::{JobContext, context};
pub use work::{WorkError, WorkSettings};
