//! Enqueued, carried out, shown.

use std::collections::BTreeSet;
use std::time::Duration;

use fang::{AsyncQueueable, FangTaskState};
use onward_engine::{RunState, find_run};
use onward_jobs::WorkSettings;
use onward_testkit::wait_until;
use onward_workflows::RunId;

use crate::bed::{Bed, DEADLINE, settings};
use crate::tasks::{Exact, Hang};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_a_run_that_people_can_look_at() {
    let bed = Bed::new().await;
    let task = bed.jobs.insert_task(&bed.note("hello")).await.expect("enqueue");
    assert_eq!((task.state.clone(), task.task_type.as_str(), task.retries), (FangTaskState::New, "common", 0));
    assert_eq!(task.metadata["type"], "Note");
    let waiting = bed.task(&task).await;
    assert_eq!((waiting.metadata, waiting.task_type), (task.metadata.clone(), task.task_type.clone()));

    let _worker = bed.work().await;
    let done = bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!((bed.lines(), done.error_message), (vec!["hello".to_owned()], None));
    let run = find_run(bed.jobs.engine(), RunId(task.id)).await.expect("read").expect("the run is there");
    assert_eq!((run.workflow.as_str(), run.status), ("job_note", RunState::Succeeded));
    assert_eq!(run.output.expect("an output").get(), "null");
    assert_eq!(bed.count("select count(*) from onward.job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_arrives_as_it_was_enqueued() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = Exact {
        book: bed.book.clone(),
        large: u64::MAX,
        small: i64::MIN,
        whole: 3.0,
        part: 0.1,
        text: "{{ inputs.task }} {% if %} \u{5d0}\" $x \\ {# no #}".to_owned(),
        nothing: None,
        pairs: [("a b-c".to_owned(), vec![(1, "{{".to_owned())]), (String::new(), Vec::new())].into(),
    };
    let enqueued = bed.jobs.insert_task(&task).await.expect("enqueue");
    bed.until_state(&enqueued, FangTaskState::Finished).await;
    assert_eq!(bed.lines(), [format!("{task:?}")]);

    let large = bed.note(&"x".repeat(1_000_000));
    let refused = bed.jobs.insert_task(&large).await.expect_err("a refusal");
    assert!(refused.to_string().contains("at most 1000000 bytes"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_tasks_runs_once_on_several_workers() {
    let bed = Bed::new().await;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(bed.work().await);
    }
    let tasks: Vec<_> = (0..200).map(|number| bed.note(&format!("{number}"))).collect();
    futures_util::future::try_join_all(tasks.iter().map(|task| bed.jobs.insert_task(task))).await.expect("enqueue");
    wait_until(DEADLINE, "an end of every run", async || bed.count("select count(*) from onward.job").await == 0).await;
    let lines = bed.lines();
    assert_eq!((lines.len(), lines.iter().collect::<BTreeSet<_>>().len()), (200, 200));
    assert_eq!(bed.count("select count(*) from onward.run where status = 'succeeded'").await, 200);
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_takes_the_types_that_it_names_and_no_other_worker_takes_them() {
    let bed = Bed::new().await;
    // One that serves every queue could only hand the step on, to a worker of any type.
    let (common, everything) = (bed.work().await, bed.everything().await);
    let mut mail = bed.note("mail");
    mail.lane = Some("mail".to_owned());
    let task = bed.jobs.insert_task(&mail).await.expect("enqueue");
    let other = bed.jobs.insert_task(&bed.note("common")).await.expect("enqueue");
    bed.until_state(&other, FangTaskState::Finished).await;
    assert_eq!(bed.task(&task).await.state, FangTaskState::New);
    assert_eq!(bed.count("select count(*) from onward.job where queue = 'fang.mail' and wakes = 0").await, 1);

    let _mail = bed.work_with(WorkSettings { task_types: vec!["mail".to_owned()], ..settings() }).await;
    bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!(bed.lines(), ["common", "mail"]);
    common.stop().await;
    everything.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_worker_gives_a_long_task_back_and_another_goes_on() {
    let bed = Bed::new().await;
    let hang = Hang { book: bed.book.clone(), times: 1 };
    let task = bed.jobs.insert_task(&hang).await.expect("enqueue");
    let first = bed.work_with(WorkSettings { drain_max: Duration::from_millis(50), ..settings() }).await;
    bed.until_lines(1).await;
    first.stop().await;
    assert_eq!(bed.task(&task).await.state, FangTaskState::New);
    assert_eq!(bed.count("select count(*) from onward.job where worker_id is null and crashes = 0").await, 1);
    let _second = bed.work().await;
    let done = bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!((bed.lines().len(), done.retries), (2, 0), "nothing of its retries is used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_pool_of_fang_would_do_is_refused() {
    let bed = Bed::new().await;
    let task = bed.jobs.insert_task(&bed.note("hello")).await.expect("enqueue");
    let refused = [
        bed.jobs.fetch_and_touch_task(None).await.map(|_| ()),
        bed.jobs.update_task_state(&task, FangTaskState::Finished).await.map(|_| ()),
        bed.jobs.fail_task(&task, "no").await.map(|_| ()),
        bed.jobs.schedule_retry(&task, 1, "no").await.map(|_| ()),
    ];
    for refused in refused {
        assert!(refused.expect_err("a refusal").to_string().contains("Jobs::work"));
    }
    assert_eq!(bed.task(&task).await.state, FangTaskState::New);
}
