//! The binary as people and scripts use it: real processes, real exit codes.

mod commands;
mod crash;
mod dev;
mod eval;
mod explain;
mod fix;
mod fmt;
mod folder;
mod graph;
mod operate;
mod place;
mod proxy;
mod schedules;
mod secrets;
mod serve;
mod settings;
mod test;
mod texts;
mod validate;
