//! The binary as people and scripts use it: real processes, real exit codes.

mod commands;
mod crash;
mod dev;
mod diff;
mod eval;
mod explain;
mod expressions;
mod fix;
mod fmt;
mod folder;
mod graph;
mod import;
mod new;
mod offered;
mod operate;
mod place;
mod proxy;
mod schedules;
mod schema;
mod secrets;
mod serve;
mod settings;
mod test;
mod texts;
mod validate;
