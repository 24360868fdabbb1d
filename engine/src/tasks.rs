//! Tasks of Rust programs: each is a run of a workflow of one step, which is made for its kind when it is first needed.
//!
//! A task is JSON whose `type` is its kind. What it does is known to the workers that offer [`TASK_STEP`]; here it is
//! enqueued, found, removed and scheduled like any run.

mod document;
mod enqueue;
mod fang_table;
mod find;
mod import;
mod key;
mod kinds;
mod lane;
mod remove;
mod schedule;

pub(crate) use document::AUTHOR;
pub use document::TASK_STEP;
pub use enqueue::{EnqueueError, Enqueued, NewTask, enqueue};
pub use fang_table::FangTableError;
pub use find::{TaskRow, find_held_task, find_task, is_task_known};
pub use import::{ImportError, ImportTasks, ImportedTasks, import_tasks};
pub use key::{TaskId, canonical_json, derived_task_run};
pub use kinds::{KindError, Kinds};
pub use lane::{task_queue, task_type_of};
pub use remove::{Removal, forget_task_keys, remove_tasks};
pub use schedule::{ScheduleTaskError, TaskSchedule, list_task_schedules, remove_task_schedules, schedule_task};
