//! One lock order: whatever runs beside whatever, nobody is ever the victim of a deadlock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use onward_engine::{
    Backfill, Committer, Engine, JobName, Lease, Park, Release, RunWrite, ScheduleId, Then, backfill, cancel, fire_due,
    load, pause, reap, release, resume,
};
use onward_workflows::RunId;
use rand::seq::{IndexedRandom, SliceRandom};
use sqlx::Connection;

use crate::bed::{Bed, adds};
use crate::session::{Session, code_of};

const ROUNDS: usize = 30;
const RUNS: usize = 40;

/// What the server has counted in this database. The counts of a session are complete when it has ended.
async fn deadlocks(bed: &Bed) -> i64 {
    let mut connection = bed.database.connection().await;
    let counted = "select deadlocks from pg_stat_database where datname = current_database()";
    let deadlocks = sqlx::query_scalar(counted).fetch_one(&mut connection).await.expect("read the statistics");
    connection.close().await.expect("close the session");
    deadlocks
}

/// Claims what is due and writes about it in batches whose order is anybody's guess.
async fn carry(bed: Arc<Bed>, lease: Lease) {
    let committer = Committer::start(bed.engine.hot().clone(), lease.clone());
    for round in 0..ROUNDS {
        let jobs = bed.claim(&lease, RUNS / 2).await;
        let (mut runs, _) = load(&bed.engine, lease.worker(), &jobs).await.expect("they load");
        runs.shuffle(&mut rand::rng());
        let due_at = bed.now().await + TimeDelta::milliseconds(5);
        let writes = runs.iter().enumerate().map(|(place, run)| {
            let nothing = RunWrite::nothing(run.run, run.claimed);
            committer.write(match place % 4 {
                0 => RunWrite { then: Then::Release(Release { seen: run.seen, due_at }), settles: true, ..nothing },
                1 => RunWrite { resets_crashes: true, ..adds(&run.job(), &format!("s{round}"), 1.into(), due_at) },
                _ => RunWrite { then: Then::Park(Park { seen: run.seen, due_at, waits: Vec::new() }), ..nothing },
            })
        });
        let kept: Vec<JobName> = runs.iter().map(|run| JobName::of_run(run.run)).collect();
        // On connections of their own: the batch and the release of one worker are what can cross most easily.
        let releasing = release(bed.engine.hot(), bed.engine.wakes(), lease.worker(), &kept, Duration::ZERO);
        let (_, released) = tokio::join!(futures_util::future::join_all(writes), releasing);
        released.expect("an answer");
    }
}

/// Takes the workers away one after another and hands every job on.
async fn bury(bed: Arc<Bed>, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Relaxed) {
        let lease = bed.worker().await;
        bed.claim(&lease, 10).await;
        bed.silence(&lease).await;
        reap(bed.engine.pool(), bed.engine.wakes()).await.expect("it reaps");
    }
}

async fn request_cancels(bed: Arc<Bed>, runs: Vec<RunId>, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Relaxed) {
        let run = *runs.choose(&mut rand::rng()).expect("there are runs");
        cancel(&bed.engine, run).await.expect("it can be cancelled");
        let undo = "update onward.job set cancel_requested_at = null where run_id = $1";
        sqlx::query(undo).bind(run.0).execute(bed.engine.pool()).await.expect("ask again another time");
    }
}

/// The runs of `three` are replaced by its fires: those cancel jobs that others carry, reap and cancel.
async fn fire(bed: Arc<Bed>, engine: Engine, runs: Vec<RunId>, started: Arc<AtomicUsize>, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Relaxed) {
        for name in ["one", "two", "three"] {
            // One row at a time, so that the test itself has no order to keep.
            let due = "update onward.trigger
                set next_at = next_at - interval '1 minute', nominal_at = nominal_at - interval '1 minute', last_run_id = $2
                where workflow = $1 and kind = 'cron'";
            let last = (name == "three").then(|| runs.choose(&mut rand::rng()).expect("there are runs").0);
            sqlx::query(due).bind(name).bind(last).execute(bed.engine.pool()).await.expect("the trigger is due");
        }
        started.fetch_add(fire_due(&engine).await.expect("it fires").started, Ordering::Relaxed);
    }
}

async fn operate(bed: Arc<Bed>, started: Arc<AtomicUsize>, done: Arc<AtomicBool>) {
    let three: ScheduleId = "three".parse().expect("a name");
    while !done.load(Ordering::Relaxed) {
        pause(&bed.engine, &three, None).await.expect("it is paused");
        resume(&bed.engine, &three).await.expect("it is resumed");
        let from = bed.now().await - TimeDelta::minutes(5);
        let wish = Backfill { from, to: None, at_once: true, dry_run: false };
        let begun = backfill(&bed.engine, &three, wish).await.expect("it begins");
        started.fetch_add(begun.count, Ordering::Relaxed);
    }
}

async fn deploy_all(bed: &Bed, turn: u32) {
    for (name, overlap) in [("one", "skip"), ("two", "queue"), ("three", "replace")] {
        bed.deploy(&format!(
            "version: 1\nname: {name}\ntriggers:\n  - {{type: cron, config: {{schedule: '* * * * *', overlap: {overlap}}}}}\nsteps:\n  - {{id: a, type: value, config: {{x: {turn}}}}}\n"
        ))
        .await;
    }
}

async fn deploy(bed: Arc<Bed>, done: Arc<AtomicBool>) {
    let mut turn = 0;
    while !done.load(Ordering::Relaxed) {
        turn += 1;
        deploy_all(&bed, turn).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_could_cross_never_deadlock() {
    let bed = Arc::new(Bed::new().await);
    let runs = bed.start_many(RUNS).await;
    deploy_all(&bed, 0).await;
    let (done, started) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut carriers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        carriers.spawn(carry(Arc::clone(&bed), bed.worker().await));
    }
    let mut others = tokio::task::JoinSet::new();
    for _ in 0..2 {
        others.spawn(bury(Arc::clone(&bed), Arc::clone(&done)));
        others.spawn(request_cancels(Arc::clone(&bed), runs.clone(), Arc::clone(&done)));
        let engine = bed.another_engine().await;
        others.spawn(fire(Arc::clone(&bed), engine, runs.clone(), Arc::clone(&started), Arc::clone(&done)));
        others.spawn(operate(Arc::clone(&bed), Arc::clone(&started), Arc::clone(&done)));
    }
    others.spawn(deploy(Arc::clone(&bed), Arc::clone(&done)));
    carriers.join_all().await;
    done.store(true, Ordering::Relaxed);
    others.join_all().await;

    assert!(started.load(Ordering::Relaxed) > 0, "something was fired meanwhile");
    assert_eq!(
        bed.count("select count(*) from onward.job").await,
        i64::try_from(RUNS + started.load(Ordering::Relaxed)).expect("few")
    );
    bed.engine.hot().close().await;
    bed.engine.pool().close().await;
    assert_eq!(deadlocks(&bed).await, 0);

    // The same count after one deadlock on purpose, so that a zero means something.
    cross(&bed, &runs).await;
    assert_eq!(deadlocks(&bed).await, 1);
}

/// Two sessions that lock two jobs in opposite order.
async fn cross(bed: &Bed, runs: &[RunId]) {
    let lock = "select from onward.job where run_id = $1 for no key update";
    let (mut one, mut two) = (Session::begin(bed).await, Session::begin(bed).await);
    one.run("set local deadlock_timeout = '10ms'").await;
    two.run("set local deadlock_timeout = '10ms'").await;
    one.run_on(lock, runs[0].0).await.expect("the first job");
    two.run_on(lock, runs[1].0).await.expect("the second job");
    let (left, right) = tokio::join!(one.run_on(lock, runs[1].0), async {
        let locked = two.run_on(lock, runs[0].0).await;
        two.roll_back().await;
        locked
    });
    let refused = left.err().or(right.err()).expect("one of them is the victim");
    assert_eq!(code_of(&refused), "40P01");
    one.roll_back().await;
}
