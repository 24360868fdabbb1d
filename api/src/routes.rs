//! The handlers, one file per kind of thing.

pub mod health;
pub mod keys;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod simulate;
pub mod triggers;
pub mod workflows;
