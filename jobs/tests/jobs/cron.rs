//! Tasks for later, and tasks that come again and again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fang::{AsyncQueueError, AsyncQueueable, CronError, FangTaskState};
use onward_engine::list_task_schedules;
use onward_testkit::wait_until;

use crate::bed::{Bed, DEADLINE};
use crate::tasks::{Later, Often, Yearly};

const FIRED: &str = "select count(*) from onward.fire where result = 'started'";

fn often(bed: &Bed, pattern: &str) -> Often {
    Often { book: bed.book.clone(), pattern: pattern.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_for_later_runs_then_and_not_before() {
    let bed = Bed::new().await;
    let at = bed.jobs.engine().clock().now() + TimeDelta::hours(2);
    let task = bed.jobs.schedule_task(&Later { book: bed.book.clone(), at }).await.expect("schedule");
    assert_eq!(task.scheduled_at, at);
    let _worker = bed.work().await;
    let now = bed.jobs.insert_task(&bed.note("now")).await.expect("enqueue");
    bed.until_state(&now, FangTaskState::Finished).await;
    let waiting = bed.task(&task).await;
    assert_eq!((waiting.state, waiting.scheduled_at.timestamp_millis()), (FangTaskState::New, at.timestamp_millis()));
    assert_eq!(bed.count("select count(*) from onward.job where wakes = 0").await, 1, "nobody has looked at it");

    bed.database.move_clock(Duration::from_hours(2)).await;
    bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!(bed.lines(), ["now", "later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_for_later_that_the_process_of_its_worker_enqueues_waits_as_well() {
    let bed = Bed::new().await;
    let worker = bed.work_here().await;
    let now = bed.jobs.insert_task(&bed.note("now")).await.expect("enqueue");
    bed.until_state(&now, FangTaskState::Finished).await;
    let at = bed.jobs.engine().clock().now() + TimeDelta::hours(2);
    let task = bed.jobs.schedule_task(&Later { book: bed.book.clone(), at }).await.expect("schedule");
    assert_eq!(bed.task(&task).await.state, FangTaskState::New, "no worker has it in hand");
    let again = bed.jobs.insert_task(&bed.note("again")).await.expect("enqueue");
    bed.until_state(&again, FangTaskState::Finished).await;
    assert_eq!(bed.lines(), ["now", "again"]);
    let never = at + TimeDelta::days(400);
    let refused = bed.jobs.schedule_task(&Later { book: bed.book.clone(), at: never }).await.expect_err("a refusal");
    assert!(refused.to_string().contains("365 days"), "{refused}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_a_pattern_is_fired_by_the_engine_at_each_of_its_instants() {
    let bed = Bed::new().await;
    // Twenty seconds past every third minute: nothing that crontab could say.
    let pattern = "20 0/3 * * * * *";
    let task = bed.jobs.schedule_task(&often(&bed, pattern)).await.expect("schedule");
    let same = bed.jobs.schedule_task(&often(&bed, pattern)).await.expect("schedule again");
    assert_eq!(task.id, same.id);
    assert_eq!(bed.count("select count(*) from onward.trigger where kind = 'cron'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.workflow_version").await, 1);
    assert_eq!((task.scheduled_at.timestamp() - 20) % 180, 0, "{}", task.scheduled_at);
    assert_eq!(bed.task(&task).await.scheduled_at, task.scheduled_at);

    let _worker = bed.work().await;
    for fired in 1..=2 {
        bed.database.move_clock(Duration::from_mins(3)).await;
        wait_until(DEADLINE, "a fire", async || bed.count(FIRED).await == fired).await;
        bed.until_lines(usize::try_from(fired).expect("small")).await;
    }
    let nominal: Vec<DateTime<Utc>> = sqlx::query_scalar("select nominal_at from onward.fire order by nominal_at")
        .fetch_all(bed.jobs.engine().pool())
        .await
        .expect("read the fires");
    assert_eq!(nominal, [task.scheduled_at, task.scheduled_at + TimeDelta::minutes(3)]);
    assert_eq!(bed.count("select count(*) from onward.run where trigger_id = 'cron'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn day_numbers_are_those_of_fang() {
    let bed = Bed::new().await;
    // Its first day of the week is Sunday.
    let task = bed.jobs.schedule_task(&often(&bed, "0 0 9 * * 1 *")).await.expect("schedule");
    assert_eq!(task.scheduled_at.format("%A %H:%M").to_string(), "Sunday 09:00");
    let changed = bed.jobs.schedule_task(&often(&bed, "0 0 9 * * 2 *")).await.expect("schedule");
    assert_eq!(changed.scheduled_at.format("%A %H:%M").to_string(), "Monday 09:00");
    assert_eq!((changed.id, bed.count("select count(*) from onward.trigger where kind = 'cron'").await), (task.id, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_a_pattern_that_was_enqueued_by_hand_comes_again() {
    let bed = Bed::new().await;
    let worker = bed.work().await;
    let task = bed.jobs.insert_task(&Yearly { book: bed.book.clone() }).await.expect("enqueue");
    bed.until_state(&task, FangTaskState::Finished).await;
    let schedules = list_task_schedules(bed.jobs.engine()).await.expect("list");
    assert_eq!(schedules.len(), 1);
    assert_eq!(schedules[0].next_at.expect("a next one").format("%m-%d %H:%M:%S").to_string(), "01-01 00:00:00");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_that_cannot_be_are_refused_as_fang_does() {
    let bed = Bed::new().await;
    let refused = |pattern: &'static str| {
        let task = often(&bed, pattern);
        let jobs = bed.jobs.clone();
        async move { jobs.schedule_task(&task).await.expect_err("a refusal") }
    };
    assert!(matches!(refused("").await, AsyncQueueError::CronError(CronError::TaskNotSchedulableError)));
    assert!(matches!(refused("0 9 * * 1").await, AsyncQueueError::CronError(CronError::LibraryError(_))));
    let over = refused("0 0 0 1 1 * 2020").await;
    assert!(matches!(over, AsyncQueueError::CronError(CronError::NoTimestampsError)), "{over}");
    assert_eq!(bed.count("select count(*) from onward.workflow").await, 0);
}
