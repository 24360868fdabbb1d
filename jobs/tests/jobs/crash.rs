//! Killed processes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fang::{AsyncQueueable, FangTaskState};
use onward_testkit::{Process, wait_until};

use crate::bed::Bed;
use crate::tasks::{Family, Hang, lines};

/// The lease has to run out.
const TAKEN_OVER: Duration = Duration::from_secs(40);

/// A worker of the example `ledger`, which has the tasks of these tests.
fn worker(bed: &Bed) -> Process {
    let test = std::env::current_exe().expect("a process knows its program");
    let profile: PathBuf = test.ancestors().nth(2).expect("it is in `deps`").to_owned();
    let program = profile.join("examples").join("ledger");
    assert!(program.exists(), "{} is not built", program.display());
    Process::start(Command::new(program).arg(bed.database.url()))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_of_a_killed_worker_is_lost_and_none_runs_again_after_its_end() {
    let bed = Bed::new().await;
    let hangs = bed.book.with_extension("hang");
    let hanging = bed.jobs.insert_task(&Hang { book: hangs.clone(), times: 1 }).await.expect("enqueue");
    let tasks: Vec<_> = (0..300).map(|number| bed.note(&format!("{number}"))).collect();
    futures_util::future::try_join_all(tasks.iter().map(|task| bed.jobs.insert_task(task))).await.expect("enqueue");
    let mut doomed = worker(&bed);
    bed.until_lines(40).await;
    wait_until(TAKEN_OVER, "the long task to begin", async || lines(&hangs).len() == 1).await;
    doomed.kill9();
    let ended = "select count(*) from onward.run where status = 'succeeded'";
    let stored = bed.count(ended).await;
    assert!(stored < 300, "it was killed in the middle");
    let before: BTreeSet<String> = sqlx::query_scalar::<_, String>(
        "select inputs -> 'task' ->> 'text' from onward.run where status = 'succeeded'",
    )
    .fetch_all(bed.jobs.engine().pool())
    .await
    .expect("read what had ended")
    .into_iter()
    .collect();

    let mut next = worker(&bed);
    wait_until(TAKEN_OVER, "an end of every task", async || bed.count(ended).await == 301).await;
    let mut runs: BTreeMap<String, u32> = BTreeMap::new();
    for line in bed.lines() {
        *runs.entry(line).or_default() += 1;
    }
    assert_eq!(runs.len(), 300, "none is lost");
    let again: Vec<_> = runs.iter().filter(|(_, count)| **count > 1).map(|(text, _)| text).collect();
    assert!(again.iter().all(|text| !before.contains(*text)), "what had ended ran again: {again:?}");
    // Those whose end was not stored when the worker died; it had four seats.
    assert!(again.len() <= 4 && runs.values().all(|count| *count <= 2), "{again:?}");
    assert_eq!(bed.task(&hanging).await.state, FangTaskState::Finished);
    assert!(next.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_is_killed_after_it_has_enqueued_does_not_enqueue_again() {
    let bed = Bed::new().await;
    let names = vec!["a".to_owned(), "b".to_owned()];
    let family = Family { book: bed.book.clone(), names, unique: false, fails: false };
    let task = bed.jobs.insert_task(&family).await.expect("enqueue");
    let mut doomed = worker(&bed);
    wait_until(TAKEN_OVER, "the parent to hang", async || bed.lines().contains(&"enqueued".to_owned())).await;
    doomed.kill9();
    let _next = worker(&bed);
    wait_until(TAKEN_OVER, "the parent to end", async || bed.task(&task).await.state == FangTaskState::Finished).await;
    wait_until(TAKEN_OVER, "its children to end", async || bed.count("select count(*) from onward.job").await == 0)
        .await;
    assert_eq!(bed.count("select count(*) from onward.run where workflow = 'job_note'").await, 2);
    let mut lines = bed.lines();
    lines.sort();
    lines.dedup();
    assert_eq!(lines, ["a", "b", "enqueued"]);
}
