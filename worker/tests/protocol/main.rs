//! Workers that die, leave, lose their lease or are woken late: every run ends once all the same.

#[path = "../support/bed.rs"]
mod bed;
mod crashes;
mod drains;
mod ends;
mod leaving;
mod routed;
mod settled;
mod unsafe_steps;
mod waiting;

use std::time::Duration;

use bed::Bed;
use onward_testkit::wait_until;

const DEADLINE: Duration = Duration::from_secs(20);

/// Requests whose path ends like this, as the stand-in received them.
fn requests(bed: &Bed, path: &str) -> usize {
    bed.shop.requests().iter().filter(|request| request.path.ends_with(path)).count()
}

async fn wait_for_requests(bed: &Bed, path: &str, count: usize) {
    wait_until(DEADLINE, &format!("{count} requests for {path}"), async || requests(bed, path) == count).await;
}

async fn wait_for_count(bed: &Bed, sql: &'static str, count: i64) {
    wait_until(DEADLINE, &format!("{count} from {sql}"), async || bed.count(sql).await == count).await;
}

async fn change(bed: &Bed, sql: &'static str) {
    sqlx::query(sql).execute(bed.engine.pool()).await.expect("change rows");
}
