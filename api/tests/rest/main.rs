//! The REST API over real connections, on a database of its own for each test.

mod bodies;
mod carried;
mod events;
mod http;
mod keys;
mod lists;
mod operate;
mod outages;
mod redact;
mod refusals;
mod schedules;
mod secrets;
mod server;
mod signed;
mod slow;
mod starting;
mod webhooks;
mod whatsapp;
mod workflows;
