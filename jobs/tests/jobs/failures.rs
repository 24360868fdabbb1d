//! Retries, panics, and tasks that nobody can read.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fang::{AsyncQueueable, FangTaskState, Task};
use onward_engine::{NewTask, enqueue, find_run};
use onward_testkit::wait_until;
use onward_workflows::RunId;
use serde_json::json;

use crate::bed::{Bed, DEADLINE};
use crate::tasks::Fail;

fn fail(bed: &Bed, until: usize, retries: i32) -> Fail {
    Fail { book: bed.book.clone(), until, panics: false, retries }
}

/// Waits until the run has been parked for its next attempt; says how long after the end of the last one that is.
async fn pause_after(bed: &Bed, task: &Task, attempts: i64) -> TimeDelta {
    let sql = "select j.due_at, c.finished_at from onward.job j
        join onward.checkpoint c on c.run_id = j.run_id and c.attempt = $2
        where j.run_id = $1 and j.worker_id is null";
    let mut found = None;
    wait_until(DEADLINE, "the run to wait for its retry", async || {
        let row = sqlx::query_as::<_, (DateTime<Utc>, DateTime<Utc>)>(sql).bind(task.id).bind(attempts);
        found = row.fetch_optional(bed.jobs.engine().pool()).await.expect("read the job");
        found.is_some()
    })
    .await;
    let (due_at, failed_at) = found.expect("waited for");
    due_at - failed_at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_tried_again_after_its_own_pauses_and_as_often_as_it_says() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = bed.jobs.insert_task(&fail(&bed, 9, 2)).await.expect("enqueue");
    for (attempt, pause) in [(1, 600), (2, 1_200)] {
        let seconds = pause_after(&bed, &task, attempt).await.num_seconds();
        assert_eq!(seconds, pause, "after attempt {attempt}");
        let shown = bed.task(&task).await;
        assert_eq!((shown.state, i64::from(shown.retries)), (FangTaskState::Retried, attempt));
        bed.database.move_clock(Duration::from_secs(u64::try_from(pause).expect("positive"))).await;
    }
    let failed = bed.until_state(&task, FangTaskState::Failed).await;
    assert_eq!((failed.retries, failed.error_message.as_deref()), (2, Some("failure 3")));
    assert_eq!(bed.lines().len(), 3);
    let run = find_run(bed.jobs.engine(), RunId(task.id)).await.expect("read").expect("the run is there");
    let error = run.error.expect("an error");
    assert_eq!((error.code.as_deref(), error.attempt), (Some("task_failed"), Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_succeeds_in_the_end_is_finished() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = bed.jobs.insert_task(&fail(&bed, 2, 20)).await.expect("enqueue");
    pause_after(&bed, &task, 1).await;
    bed.database.move_clock(Duration::from_mins(10)).await;
    let done = bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!((done.retries, done.error_message), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_recorded_and_retried_like_an_error_and_the_worker_lives() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = Fail { panics: true, ..fail(&bed, 9, 1) };
    let task = bed.jobs.insert_task(&task).await.expect("enqueue");
    assert_eq!(pause_after(&bed, &task, 1).await.num_seconds(), 600);
    bed.database.move_clock(Duration::from_mins(10)).await;
    let failed = bed.until_state(&task, FangTaskState::Failed).await;
    assert_eq!(failed.error_message.as_deref(), Some("the task panicked: panic 2"));
    let after = bed.jobs.insert_task(&bed.note("alive")).await.expect("enqueue");
    bed.until_state(&after, FangTaskState::Finished).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_the_program_does_not_know_fails_at_once_and_the_worker_lives() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let kinds = onward_engine::Kinds::default();
    let mut unknown = Vec::new();
    for task in [json!({"type": "Nobodys", "a": 1}), json!({"type": "Note", "book": 7})] {
        let new = NewTask { task, task_type: "common".to_owned(), unique: false, due_at: None, run: None };
        unknown.push(enqueue(bed.jobs.engine(), &kinds, &new).await.expect("enqueue").run);
    }
    let after = bed.jobs.insert_task(&bed.note("alive")).await.expect("enqueue");
    bed.until_state(&after, FangTaskState::Finished).await;
    for (run, kind) in unknown.into_iter().zip(["Nobodys", "Note"]) {
        wait_until(DEADLINE, "the run to fail", async || {
            bed.jobs.find_task_by_id(&run.0).await.expect("the task").state == FangTaskState::Failed
        })
        .await;
        let error = find_run(bed.jobs.engine(), run).await.expect("read").expect("the run").error.expect("an error");
        assert_eq!((error.code.as_deref(), error.attempt), (Some("task_unreadable"), Some(1)));
        assert!(error.message.contains(&format!("cannot read a task `{kind}`: ")), "{}", error.message);
    }
}
