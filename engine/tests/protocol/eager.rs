//! Starts that a worker claims as it writes them, and batches of two processes that cross.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use onward_engine::{Duplicate, EagerBatch, Lease, StartKey, StartRun, Started, reap, sweep};
use onward_testkit::wait_until;
use onward_workflows::RunId;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::bed::{Bed, DEADLINE};
use crate::session::{FENCE, Session, query, replaced};

fn key(name: &str) -> StartKey {
    StartKey {
        scope: "test".to_owned(),
        key: name.to_owned(),
        request_hash: [1; 32],
        ttl: Duration::from_hours(1),
        of_document: false,
    }
}

/// The starts, all in one batch that is now in the worker's hands, and the callers that wait for it.
async fn hand_over(
    bed: &Bed,
    line: &mut mpsc::Receiver<EagerBatch>,
    starts: Vec<StartRun>,
) -> (EagerBatch, JoinHandle<Vec<Started>>) {
    let engine = bed.engine.clone();
    let callers = tokio::spawn(async move {
        let answers = join_all(starts.into_iter().map(|start| engine.start(start))).await;
        answers.into_iter().map(|answer| answer.expect("an answer")).collect()
    });
    (line.recv().await.expect("the batch comes to the worker"), callers)
}

async fn owned_by(bed: &Bed, lease: &Lease) -> Vec<RunId> {
    let mut runs: Vec<RunId> = sweep(bed.engine.pool(), lease.worker())
        .await
        .expect("the owned jobs are read")
        .iter()
        .map(|owned| owned.job.run)
        .collect();
    runs.sort_unstable();
    runs
}

#[tokio::test]
async fn a_worker_claims_as_many_of_a_batch_as_it_has_seats_and_only_from_queues_it_serves() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let mut line = bed.engine.offer_seats(Arc::new(Semaphore::new(5)));
    for (seats, begun) in [(2, 2), (0, 0), (5, 3)] {
        let mut starts = Vec::new();
        for queue in ["default", "default", "default", "elsewhere"] {
            starts.push(StartRun { queue: queue.to_owned(), ..bed.prepare(None).await });
        }
        let mut expected: Vec<RunId> = starts[..begun].iter().map(|start| start.run).collect();
        expected.sort_unstable();
        let (batch, callers) = hand_over(&bed, &mut line, starts).await;
        let served = ["default".to_owned()];
        let claimed = batch.write(bed.engine.hot(), lease.worker(), seats, Some(&served)).await;
        assert_eq!(callers.await.expect("the callers are answered").len(), 4);

        let mut told: Vec<RunId> = claimed.iter().map(|begun| begun.start.run).collect();
        told.sort_unstable();
        assert_eq!(told, expected, "{seats} seats");
        assert_eq!(owned_by(&bed, &lease).await, expected, "the table agrees with what the worker was told");
        assert_eq!(bed.count("select count(*) from onward.job").await, 4, "the others are there for anybody");
        sqlx::query("truncate onward.job").execute(bed.engine.pool()).await.expect("clean up");
    }
}

#[tokio::test]
async fn a_keyed_start_by_a_worker_without_a_row_is_stored_for_others_under_its_key() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let mut line = bed.engine.offer_seats(Arc::new(Semaphore::new(5)));
    bed.silence(&lease).await;
    reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps");
    let mut runs = Vec::new();
    for _ in 0..2 {
        let starts = vec![bed.prepare(Some(key("k"))).await];
        let (batch, callers) = hand_over(&bed, &mut line, starts).await;
        assert!(batch.write(bed.engine.hot(), lease.worker(), 5, None).await.is_empty());
        let started = callers.await.expect("the caller is answered")[0];
        runs.push((started.run, started.duplicate));
    }
    assert_eq!(runs[1], (runs[0].0, Some(Duplicate::SameRequest)));
    assert_eq!(bed.owner(runs[0].0).await, None);
}

#[tokio::test]
async fn a_batch_that_dies_in_the_workers_hands_is_started_once_whether_it_was_written_or_not() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    let mut line = bed.engine.offer_seats(Arc::new(Semaphore::new(5)));
    for (key, written) in [(None, false), (None, true), (Some(key("unwritten")), false), (Some(key("written")), true)] {
        let start = bed.prepare(key).await;
        let (run, copy) = (start.run, start.clone());
        let (batch, callers) = hand_over(&bed, &mut line, vec![start]).await;
        if written {
            let mut session = Session::open(&bed).await;
            assert!(session.start(&query("start_runs"), Some(lease.worker()), &copy).await.claimed);
        }
        drop(batch);

        let started = callers.await.expect("the caller is answered")[0];
        assert_eq!((started.run, started.duplicate), (run, None));
        // What was written is this worker's, though it was never told; it finds the job among those it owns.
        assert_eq!(bed.owner(run).await, written.then_some(lease.worker().0));
        assert_eq!(owned_by(&bed, &lease).await.contains(&run), written);
    }
    assert_eq!(bed.count("select count(*) from onward.run").await, 4);
    assert_eq!(bed.count("select count(*) from onward.job").await, 4);
}

#[tokio::test]
async fn a_start_claimed_as_it_is_written_holds_off_the_reaper_which_then_gives_it_back() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.silence(&lease).await;
    let start = bed.prepare(Some(key("k"))).await;
    let mut starting = Session::begin(&bed).await;
    starting.run_on(&query("lock_worker"), lease.worker().0).await.expect("the fence");
    assert_eq!(starting.lock_keys(&query("lock_keys"), &["k"]).await.expect("no wait"), [true]);
    assert!(starting.start(&query("start_runs"), Some(lease.worker()), &start).await.claimed);
    let engine = bed.engine.clone();
    let reaping = tokio::spawn(async move { reap(engine.pool(), engine.wakes()).await.expect("it reaps") });
    bed.wait_for_blocked(1).await;
    starting.commit().await;

    assert_eq!(reaping.await.expect("the reaper ends"), 1);
    assert_eq!(bed.owner(start.run).await, None);
}

#[tokio::test]
async fn such_a_start_without_the_fence_would_belong_to_a_worker_that_is_gone() {
    let bed = Bed::new().await;
    let lease = bed.worker().await;
    bed.silence(&lease).await;
    let start = bed.prepare(None).await;
    let unfenced = replaced(&query("start_runs"), FENCE, "select $1::uuid as id");
    let mut starting = Session::begin(&bed).await;
    assert!(starting.start(&unfenced, Some(lease.worker()), &start).await.claimed);

    assert_eq!(reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it does not wait"), 0);
    starting.commit().await;

    assert_eq!(bed.count("select count(*) from onward.worker").await, 0);
    assert_eq!(bed.owner(start.run).await, Some(lease.worker().0));
}

#[tokio::test(flavor = "multi_thread")]
async fn crossing_batches_of_two_processes_start_each_key_once_and_pass_by_the_one_that_is_busy() {
    let bed = Bed::new().await;
    let other = bed.another_engine().await;
    let mut holder = Session::begin(&bed).await;
    assert_eq!(holder.lock_keys(&query("lock_keys"), &["k15"]).await.expect("no wait"), [true]);
    let names: Vec<String> = (0..30).map(|place| format!("k{place}")).collect();
    let mut callers = Vec::new();
    for (engine, reversed) in [(bed.engine.clone(), false), (other, true)] {
        let mut starts = Vec::new();
        for name in &names {
            starts.push(bed.prepare(Some(key(name))).await);
        }
        if reversed {
            starts.reverse();
        }
        callers.push(tokio::spawn(async move {
            let mut answers = join_all(starts.into_iter().map(|start| engine.start(start))).await;
            if reversed {
                answers.reverse();
            }
            answers.into_iter().map(|answer| answer.expect("an answer")).collect::<Vec<_>>()
        }));
    }
    wait_until(DEADLINE, "all keys but one to be started", async || {
        bed.count("select count(*) from onward.run").await == 29
    })
    .await;
    assert!(callers.iter().all(|caller| !caller.is_finished()), "both wait for the key that is busy");
    holder.roll_back().await;

    let (two, one) = (callers.pop().expect("two"), callers.pop().expect("one"));
    let (one, two) = (one.await.expect("it is answered"), two.await.expect("it is answered"));
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one.run, two.run);
        assert_ne!(one.duplicate.is_some(), two.duplicate.is_some(), "one began it, the other was told");
    }
    assert_eq!(bed.count("select count(*) from onward.run").await, 30);
    assert_eq!(bed.count("select count(*) from onward.job").await, 30);
}
