//! What the tables refuse, and what schedules leave behind in them.

#[path = "../protocol/bed.rs"]
#[expect(dead_code, reason = "the other binary needs the rest of it")]
mod bed;
#[path = "../protocol/wire.rs"]
mod wire;

mod commit;
mod cron;
mod often;
mod pauses;
mod schedules;
mod secrets;
