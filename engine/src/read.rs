//! Read models: what people and the API see of runs, queues and workers. They serialise as they are.

mod diagnose;
mod error;
mod events;
mod limits;
mod list;
mod operations;
mod run;
mod short;
mod state;
mod steps;

pub use error::ReadError;
pub use events::{EventDetail, EventFilter, EventPage, EventRow, EventRun, find_event, list_events};
pub use limits::{LimitRow, list_limits};
pub use list::{RunCursor, RunFilter, RunPage, RunRow, list_runs};
pub use operations::{WorkerRow, list_workers, queue_depths};
pub use run::{RunDetail, WaitingFor, WaitingKind, find_run};
pub use short::match_run;
pub use state::RunState;
pub use steps::{read_names, read_step, read_steps};
