//! Cancelling, removing, and `job.run` in a document.

use fang::{AsyncQueueError, AsyncQueueable, FangTaskState};
use onward_engine::{
    CancelOutcome, DeployOptions, Expect, PrepareRun, RunState, cancel, deploy, find_run, find_workflow_head, retry,
};
use onward_testkit::wait_until;
use onward_workflows::{RunId, Source};
use serde_json::json;
use uuid::Uuid;

use crate::bed::{Bed, DEADLINE};
use crate::tasks::{Fail, Hang, Note, Often};

async fn state(bed: &Bed, id: Uuid) -> RunState {
    find_run(bed.jobs.engine(), RunId(id)).await.expect("read").expect("the run is there").status
}

fn options() -> DeployOptions {
    DeployOptions { dry_run: false, prune: false, by: "test".to_owned(), expect: Expect::Anything }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_task_is_dropped_in_the_middle() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = bed.jobs.insert_task(&Hang { book: bed.book.clone(), times: 9 }).await.expect("enqueue");
    bed.until_lines(1).await;
    assert_eq!(bed.task(&task).await.state, FangTaskState::InProgress);
    let asked = cancel(bed.jobs.engine(), RunId(task.id)).await.expect("cancel");
    assert_eq!(asked, CancelOutcome::Requested);
    bed.until_state(&task, FangTaskState::Failed).await;
    assert_eq!((state(&bed, task.id).await, bed.lines().len()), (RunState::Canceled, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_cancels_what_waits_and_leaves_what_is_in_hand() {
    let bed = Bed::new().await;
    let worker = bed.work().await;
    let hanging = bed.jobs.insert_task(&Hang { book: bed.book.clone(), times: 1 }).await.expect("enqueue");
    bed.until_lines(1).await;
    let lane = |text: &str| Note { lane: Some("other".to_owned()), ..bed.note(text) };
    let mut waiting = Vec::new();
    for text in ["a", "b", "c"] {
        waiting.push(bed.jobs.insert_task(&lane(text)).await.expect("enqueue"));
    }
    assert_eq!(bed.jobs.remove_task(&hanging.id).await.expect("remove"), 0, "a worker has it");
    assert_eq!(bed.jobs.remove_task(&waiting[0].id).await.expect("remove"), 1);
    assert_eq!(bed.jobs.remove_tasks_type("common").await.expect("remove"), 0);
    assert_eq!(bed.jobs.remove_tasks_type("other").await.expect("remove"), 2);
    assert_eq!(bed.jobs.remove_all_tasks().await.expect("remove"), 0);
    assert_eq!(bed.task(&hanging).await.state, FangTaskState::InProgress);
    worker.stop().await;

    let settings = onward_jobs::WorkSettings { task_types: vec!["other".to_owned()], ..crate::bed::settings() };
    let _other = bed.work_with(settings).await;
    for task in &waiting {
        bed.until_state(task, FangTaskState::Failed).await;
        assert_eq!(state(&bed, task.id).await, RunState::Canceled);
    }
    assert_eq!(bed.lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_tasks_and_schedules_are_removed_by_what_they_are() {
    let bed = Bed::new().await;
    let unique = Note { unique: true, ..bed.note("unique") };
    bed.jobs.insert_task(&unique).await.expect("enqueue");
    assert_eq!(bed.jobs.remove_task_by_metadata(&unique).await.expect("remove"), 1);
    assert_eq!(bed.jobs.remove_task_by_metadata(&unique).await.expect("remove"), 0);
    let refused = bed.jobs.remove_task_by_metadata(&bed.note("any")).await.expect_err("as fang does");
    assert!(matches!(refused, AsyncQueueError::TaskNotUniqError));

    let often = Often { book: bed.book.clone(), pattern: "0 0 9 * * * *".to_owned() };
    for turn in 0..3 {
        let task = bed.jobs.schedule_task(&often).await.expect("schedule, again after it was removed");
        let removed = match turn {
            0 => bed.jobs.remove_task_by_metadata(&often).await,
            1 => bed.jobs.remove_task(&task.id).await,
            _ => bed.jobs.remove_all_scheduled_tasks().await,
        };
        assert_eq!(removed.expect("remove"), 1, "turn {turn}");
        assert_eq!(bed.count("select count(*) from onward.trigger where kind = 'cron'").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lets_a_failed_task_go_on_where_its_program_is() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = Fail { book: bed.book.clone(), until: 2, panics: false, retries: 0 };
    let task = bed.jobs.insert_task(&task).await.expect("enqueue");
    bed.until_state(&task, FangTaskState::Failed).await;
    retry(bed.jobs.engine(), RunId(task.id), None, "test").await.expect("retry");
    bed.until_state(&task, FangTaskState::Finished).await;
    assert_eq!(bed.lines().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_has_a_task_run_by_the_same_worker() {
    let bed = Bed::new().await;
    let text = json!({
        "version": 1, "name": "digest", "inputs": { "word": { "type": "string" } },
        "steps": [{
            "id": "say", "type": "job.run",
            "config": { "task": { "type": "Note", "book": bed.book, "text": "{{ inputs.word }}", "unique": false, "lane": null } },
        }],
    });
    let source = Source::from_file("digest.json", text.to_string());
    let deployed = deploy(bed.jobs.engine(), vec![source], &options()).await.expect("deploy");
    assert_eq!(deployed.workflows[0].diagnostics[0].code, "E203", "a warning: nobody offers the type yet");
    let engine = bed.jobs.engine();
    let version = engine.versions().load(engine.pool(), "digest", 1).await.expect("load");
    let (trigger, inputs) = (json!({ "type": "manual" }), json!({ "word": "from a document" }));
    let request = PrepareRun { trigger_id: None, trigger, inputs, scheduled_at: None, key: None };
    let run = engine.start(engine.prepare(version, request).expect("prepare")).await.expect("start").run;
    let (_stock, _worker) = (bed.everything().await, bed.work().await);
    wait_until(DEADLINE, "the run to end", async || state(&bed, run.0).await == RunState::Succeeded).await;
    assert_eq!(bed.lines(), ["from a document"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pruning_deploy_leaves_the_workflows_of_tasks_alone() {
    let bed = Bed::new().await;
    bed.jobs.insert_task(&bed.note("hello")).await.expect("enqueue");
    let often = Often { book: bed.book.clone(), pattern: "0 0 9 * * * *".to_owned() };
    bed.jobs.schedule_task(&often).await.expect("schedule");
    let source =
        Source::from_file("a.yaml", "version: 1\nname: a\nsteps: [{ id: a, type: log, config: { message: hi } }]\n");
    let pruning = DeployOptions { prune: true, ..options() };
    let deployed = deploy(bed.jobs.engine(), vec![source], &pruning).await.expect("deploy");
    assert_eq!(deployed.workflows.len(), 1, "{:?}", deployed.workflows);
    assert!(find_workflow_head(bed.jobs.engine(), "job_note").await.expect("read").expect("there").enabled);
    assert_eq!(bed.count("select count(*) from onward.trigger where kind = 'cron' and enabled").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_somebody_else_is_not_overwritten() {
    let bed = Bed::new().await;
    let text = "version: 1\nid: job_note\nname: mine\nsteps: [{ id: a, type: log, config: { message: hi } }]\n";
    deploy(bed.jobs.engine(), vec![Source::from_file("a.yaml", text)], &options()).await.expect("deploy");
    let refused = bed.jobs.insert_task(&bed.note("hello")).await.expect_err("it is taken");
    assert!(refused.to_string().contains("`job_note` is a document of somebody else"), "{refused}");
}
