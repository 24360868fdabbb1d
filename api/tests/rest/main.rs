//! The REST API over real connections, on a database of its own for each test.

mod keys;
mod lists;
mod outages;
mod refusals;
mod server;
mod starting;
mod workflows;
