//! The handlers, one file per kind of thing.

pub mod events;
pub mod files;
pub mod health;
pub mod keys;
pub mod operate;
pub mod runs;
pub mod schedules;
pub mod secrets;
pub mod simulate;
pub mod triggers;
pub mod whatsapp;
pub mod workflows;
