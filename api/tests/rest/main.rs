//! The REST API over real connections, on a database of its own for each test.

mod bodies;
mod carried;
mod http;
mod keys;
mod lists;
mod outages;
mod redact;
mod refusals;
mod schedules;
mod secrets;
mod server;
mod signed;
mod slow;
mod starting;
mod workflows;
