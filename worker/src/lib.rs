//! The process that carries runs: claims jobs for its free seats, runs their steps, has everything stored.
//!
//! This crate joins `engine` and `steps` and decides nothing: what follows what is the flow interpreter's business, what
//! may be written is the engine's. Start at [`run`]; a run's own loop is in `carry`.

mod attempt;
mod backing;
mod carry;
mod errand;
mod gate;
mod heartbeat;
mod housekeeping;
mod keeper;
mod mask;
mod repertoire;
mod routed;
mod schedule;
mod secrets;
mod worker;

pub use housekeeping::keep_house;
pub use repertoire::{OwnSteps, Repertoire};
pub use schedule::fire_schedules;
pub use worker::{Settings, run};
