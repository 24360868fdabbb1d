//! The rules by which nothing is lost and nothing happens twice, each with the sessions that would break it.
//!
//! Where it can be shown, a test also runs the statement without its rule and asserts that it breaks: that is the proof
//! that the test could fail.

mod claim;
mod commit;
mod cron;
mod fence;
mod notify;
mod reap;
mod start;
mod support;
