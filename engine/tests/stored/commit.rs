//! Constraints that blame the run: each of them must be found by its name, or the batch would be repeated for ever.

use chrono::{DateTime, Utc};
use onward_engine::{CheckpointRow, Claimed, Committer, EndRow, RunWrite, Then, Written, database};
use onward_workflows::{Checkpoint, CheckpointStatus, End, ErrorKind, RunStatus, StepError};
use serde_json::{Value, json};

use crate::bed::{Bed, adds, checkpoint};
use crate::wire::Wire;

fn ends(job: &Claimed, status: RunStatus, output: Value, error: Option<StepError>) -> RunWrite {
    let end = End { status, output: Some(output), error, not_undone: Vec::new() };
    RunWrite { then: Then::End(EndRow::from(&end)), ..RunWrite::nothing(job.run, job.wakes) }
}

/// A row that says it failed and does not say how.
fn silent_failure(at: DateTime<Utc>) -> CheckpointRow {
    let checkpoint = Checkpoint {
        path: "a".to_owned(),
        attempt: 1,
        status: CheckpointStatus::Failed,
        output: None,
        error: None,
        started_at: at,
        finished_at: at,
    };
    CheckpointRow::new(&checkpoint, None)
}

fn of_length(bytes: usize) -> Value {
    // Two of them are the quotes.
    Value::String("x".repeat(bytes - 2))
}

#[tokio::test]
async fn what_a_constraint_of_ours_forbids_fails_the_run_that_wrote_it_and_nobody_beside_it() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(10).await;
    let jobs = bed.claim(&lease, 10).await;
    let wire = Wire::to(bed.database.options()).await;
    let committer = Committer::start(database::connect(wire.options(), 2).await.expect("connect"), lease.clone());
    let at = bed.now().await;
    let mut writes: Vec<RunWrite> = jobs.iter().map(|job| adds(job, "a", json!(1), at)).collect();
    let error = || Some(StepError::new(ErrorKind::Internal, "an error"));
    writes[1].checkpoints = vec![silent_failure(at)];
    writes[3] = ends(&jobs[3], RunStatus::Succeeded, json!(1), error());
    writes[4] = ends(&jobs[4], RunStatus::Succeeded, json!(1), None);
    writes[6] = ends(&jobs[6], RunStatus::Succeeded, of_length((1 << 20) + 1), None);
    writes[8].checkpoints = vec![checkpoint("b", json!(1), at), silent_failure(at)];

    let written = futures_util::future::join_all(writes.into_iter().map(|write| committer.write(write))).await;

    for (place, written) in written.iter().enumerate() {
        let refused = matches!(written, Written::Refused(_));
        assert_eq!(refused, [1, 3, 6, 8].contains(&place), "{place}: {written:?}");
        assert!(refused || *written == Written::Stored, "{place}: {written:?}");
    }
    assert_eq!(bed.count("select count(*) from onward.run where status is not null").await, 1);
    assert_eq!(bed.count("select count(*) from onward.checkpoint").await, 5, "of the refused ones not even a part");
    assert!(wire.refusals("23514") > 4, "by a check, and found by halving");
}

#[tokio::test]
async fn an_output_of_exactly_the_largest_size_is_kept_and_one_byte_more_is_refused() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.start_many(4).await;
    let jobs = bed.claim(&lease, 4).await;
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    let at = bed.now().await;
    let (step_max, run_max) = (10 << 20, 1 << 20);
    let writes = [
        (adds(&jobs[0], "a", of_length(step_max), at), true),
        (adds(&jobs[1], "a", of_length(step_max + 1), at), false),
        (ends(&jobs[2], RunStatus::Succeeded, of_length(run_max), None), true),
        (ends(&jobs[3], RunStatus::Succeeded, of_length(run_max + 1), None), false),
    ];
    for (place, (write, fits)) in writes.into_iter().enumerate() {
        let written = committer.write(write).await;
        assert_eq!(written == Written::Stored, fits, "{place}: {written:?}");
        assert_eq!(matches!(written, Written::Refused(_)), !fits, "{place}: {written:?}");
    }
    assert_eq!(bed.count("select max(octet_length(output::text))::int8 from onward.checkpoint").await, 10 << 20);
}

/// A constraint that is renamed in a migration, or added and not listed, would make the committer repeat for ever.
#[tokio::test]
async fn every_constraint_that_a_run_can_break_is_one_that_the_committer_knows() {
    let bed = Bed::new().await;
    let known = include_str!("../../src/commit/fault.rs");
    let names: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint
        where contype = 'c' and conrelid in
            ('onward.run'::regclass, 'onward.checkpoint'::regclass, 'onward.pending'::regclass, 'onward.job'::regclass)
        order by conname",
    )
    .fetch_all(bed.engine.pool())
    .await
    .expect("read the catalogue");
    assert!(names.len() > 5, "{names:?}");
    let unknown: Vec<&String> = names.iter().filter(|name| !known.contains(&format!("\"{name}\""))).collect();
    // Checked when a run starts or a step is routed; and no commit writes the columns of the others.
    assert_eq!(unknown, ["job_queue_form", "pending_outcome", "pending_outcome_size", "run_inputs_size"]);
    let listed = known.split_once("OUR_CONSTRAINTS").and_then(|(_, rest)| rest.split_once("];")).expect("the list");
    for name in listed.0.split('"').skip(1).step_by(2) {
        assert!(names.iter().any(|there| there == name), "{name} is not in the schema");
    }
}
