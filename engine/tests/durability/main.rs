//! The rules by which nothing is lost and nothing happens twice, each with the sessions that would break it.
//!
//! Where it can be shown, a test also runs the statement without its rule and asserts that it breaks: that is the proof
//! that the test could fail.

#![expect(clippy::unwrap_used, reason = "a test has nothing better to do with an error than to show it")]

mod claim;
mod commit;
mod cron;
mod fence;
mod notify;
mod reap;
mod start;
mod support;
