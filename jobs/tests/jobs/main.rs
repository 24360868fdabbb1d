//! Tasks carried out by workers of this process and of others, on real Postgres.

mod bed;
mod crash;
mod cron;
mod failures;
mod import;
mod operate;
mod parents;
mod queue;
#[path = "../support/tasks.rs"]
mod tasks;
mod unique;
