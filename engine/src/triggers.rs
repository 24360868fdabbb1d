//! What may start runs from outside: endpoints and schedules, as they are stored.

mod endpoints;
mod row;
mod schedules;
mod timetable;

pub(crate) use endpoints::KnownEndpoints;
pub use endpoints::{Endpoint, find_endpoint};
pub use row::TriggerRow;
pub(crate) use row::list_triggers;
pub use schedules::{FireTimes, MovedFire, NextFire, ScheduleRow, list_schedules, next_fires};
pub(crate) use timetable::read_timetable;
