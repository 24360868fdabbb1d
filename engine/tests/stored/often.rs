//! One workflow with one schedule, a clock to move, and what has been recorded of its instants.

use std::time::Duration;

use chrono::{DateTime, Utc};
use onward_engine::{Engine, ScheduleId, fire_due};

use crate::bed::Bed;

pub const RUNS: &str = "select count(*) from onward.run";
pub const WAITING: &str = "select count(*) from onward.fire where result = 'waiting'";
pub const LIVE: &str = "select count(*) from onward.job where cancel_requested_at is null";

/// A workflow called `often` at a noon of this week, for which there are partitions.
pub async fn often(config: &str) -> Bed {
    let bed = Bed::new().await;
    let noon = "select onward.week_of(now()) + interval '2 days 12 hours'";
    let noon: DateTime<Utc> = sqlx::query_scalar(noon).fetch_one(bed.engine.pool()).await.expect("a noon");
    bed.database.set_clock(noon).await;
    bed.deploy(&document(config, true)).await;
    bed
}

pub fn document(config: &str, enabled: bool) -> String {
    format!(
        "version: 1\nname: often\nenabled: {enabled}\ntriggers:\n  - {{type: cron, config: {{{config}}}}}\nsteps:\n  - {{id: a, type: value, config: {{x: 1}}}}\n"
    )
}

pub fn id(text: &str) -> ScheduleId {
    text.parse().expect("a schedule's name")
}

pub async fn pass(bed: &Bed, minutes: u64) {
    bed.database.move_clock(Duration::from_mins(minutes)).await;
}

/// Started, skipped, waiting.
pub async fn fire(bed: &Bed) -> (usize, usize, usize) {
    fire_on(&bed.engine).await
}

pub async fn fire_on(engine: &Engine) -> (usize, usize, usize) {
    let fired = fire_due(engine).await.expect("it fires");
    (fired.started, fired.skipped, fired.waiting)
}

pub async fn change(bed: &Bed, sql: &'static str) {
    sqlx::query(sql).execute(bed.engine.pool()).await.expect("change rows");
}

pub async fn end_all_runs(bed: &Bed) {
    change(bed, "delete from onward.job").await;
}

/// How often each result and the beginning of its reason was recorded, and for how many instants.
pub async fn recorded(bed: &Bed) -> Vec<String> {
    let sql = "select concat_ws(' ', result, split_part(reason, ';', 1), count(*), sum(instants)) from onward.fire
        group by result, split_part(reason, ';', 1), reason is null order by 1";
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(bed.engine.pool()).await.expect("read the fires");
    rows.into_iter().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Minutes after noon of the runs, in the order in which they were started.
pub async fn started(bed: &Bed) -> Vec<i32> {
    sqlx::query_scalar(
        "select (extract(epoch from scheduled_at - onward.week_of(scheduled_at) - interval '2 days 12 hours') / 60)::int
        from onward.run order by created_at, scheduled_at",
    )
    .fetch_all(bed.engine.pool())
    .await
    .expect("read the runs")
}
