//! The durability protocols with two or three real sessions each.
//!
//! Where a rule can be left out, the test also runs the statement without it and shows what then breaks: the same
//! scenario that passes with ours must be able to fail. Such statements are in `broken/`, or are ours with a piece of
//! their text taken away when the test runs.

mod bed;
mod bound;
mod claim;
mod commit;
mod commit_faults;
mod cron;
mod eager;
mod fence;
mod give_back;
mod late_cancel;
mod lock_order;
mod lost_answers;
mod notify;
mod reap;
mod routed;
mod seats;
mod session;
mod stale;
mod start;
mod unfenced;
mod wakes;
mod wire;
