//! The one task of a worker through which claims, eager starts, sweeps and releases go.
//!
//! Because they go through one task, every answer is known before the next question is asked: a sweep can tell a job
//! that was lost from one whose claim is still on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use onward_engine::{
    Claimed, Committer, EagerBatch, Engine, JobName, Lanes, Lease, LoadedRun, Unloadable, Wake, claim, load, reap,
    release, sweep,
};
use rand::Rng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::carry::{Carrier, Signal};
use crate::repertoire::Repertoire;
use crate::worker::Settings;

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Polling is the truth; the jitter keeps many workers from asking together.
const POLL_EVERY: Duration = Duration::from_secs(1);
const POLL_JITTER_MS: u64 = 200;
/// A run that could not be loaded is tried again after this.
const LOAD_AGAIN: Duration = Duration::from_secs(5);
/// A run that has killed this many workers since its last checkpoint is carried alone.
const SUSPECT_CRASHES: i16 = 3;
const SUSPECT_LATER: Duration = Duration::from_secs(1);
/// Jobs claimed in one statement.
const CLAIM_MAX: usize = 500;

/// Why the keeper stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Everything was finished or handed back.
    Drained,
    /// The worker's row is gone; what was held belongs to others.
    Lost,
    Killed,
}

pub(crate) struct Keeper<'a> {
    engine: &'a Engine,
    settings: &'a Settings,
    lease: &'a Lease,
    seats: &'a Arc<Semaphore>,
    carrier: Arc<Carrier>,
    lanes: Lanes,
    /// In the order of their runs, so that everything of one run is found together.
    held: BTreeMap<JobName, Held>,
    carried: JoinSet<(JobName, i32)>,
    loading: JoinSet<Loaded>,
    /// The last claim took as much as it could: ask again as soon as a seat is free.
    more: bool,
}

/// A job that this worker believes to own.
struct Held {
    claimed: i32,
    suspect: bool,
    signal: watch::Sender<Signal>,
    /// Given back when the job is let go. One short is possible when parallel attempts took it meanwhile.
    _seat: Option<OwnedSemaphorePermit>,
}

type Loaded = (Vec<Claimed>, Result<(Vec<LoadedRun>, Vec<Unloadable>), Box<dyn std::error::Error + Send + Sync>>);

impl<'a> Keeper<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        steps: &Arc<Repertoire>,
        settings: &'a Settings,
        lease: &'a Lease,
        seats: &'a Arc<Semaphore>,
    ) -> Self {
        let carrier = Arc::new(Carrier {
            engine: engine.clone(),
            steps: Arc::clone(steps),
            committer: Committer::start(engine.hot().clone(), lease.clone()),
            lease: lease.clone(),
            seats: Arc::clone(seats),
            drain: CancellationToken::new(),
        });
        Self {
            engine,
            settings,
            lease,
            seats,
            carrier,
            lanes: Lanes::new(settings.queues.clone(), steps.offered()),
            held: BTreeMap::new(),
            carried: JoinSet::new(),
            loading: JoinSet::new(),
            more: false,
        }
    }

    pub(crate) async fn run(mut self, starts: &mut mpsc::Receiver<EagerBatch>, stop: &CancellationToken) -> Left {
        let mut sweeps = interval(SWEEP_EVERY);
        sweeps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut poll_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = self.lease.lost().cancelled() => return self.drop_everything(),
                () = stop.cancelled() => {
                    // From now on starts are inserted without us; what waits in the line is started again elsewhere.
                    starts.close();
                    while starts.try_recv().is_ok() {}
                    return self.drain().await;
                }
                _ = sweeps.tick() => self.sweep().await,
                Some(ended) = self.carried.join_next() => self.forget(ended.ok()),
                Some(loaded) = self.loading.join_next() => self.begin(loaded.ok()).await,
                Some(batch) = starts.recv() => self.write_starts(batch).await,
                wakes = self.engine.wakes().changed() => {
                    if self.notice(wakes) {
                        self.sweep().await;
                    }
                    poll_at = Instant::now();
                }
                () = tokio::time::sleep_until(poll_at) => {}
            }
            while let Some(ended) = self.carried.try_join_next() {
                self.forget(ended.ok());
            }
            if self.more || Instant::now() >= poll_at {
                poll_at = self.claim().await;
            }
        }
    }

    /// Claims for the free seats; says when to look again.
    async fn claim(&mut self) -> Instant {
        let poll = Instant::now() + POLL_EVERY + Duration::from_millis(rand::rng().random_range(0..POLL_JITTER_MS));
        let free = self.seats.available_permits().min(CLAIM_MAX);
        if free == 0 {
            self.more = true;
            return poll;
        }
        match claim(self.engine.hot(), self.lease.worker(), &mut self.lanes, free).await {
            Ok(claimed) => {
                self.more = claimed.len() == free;
                let idle = claimed.is_empty();
                self.take(claimed).await;
                if self.more { poll } else { self.next_due(poll, idle).await }
            }
            Err(error) => {
                self.more = false;
                tracing::warn!(error = %error, "a claim failed; it is repeated");
                poll
            }
        }
    }

    /// Sleep until the poll or until the next job becomes due, whichever is first.
    async fn next_due(&self, poll: Instant, idle: bool) -> Instant {
        if !idle {
            return poll;
        }
        match self.lanes.next_due(self.engine.hot()).await {
            Ok(Some(due_at)) => {
                let until = (due_at - self.engine.clock().now()).to_std().unwrap_or_default();
                poll.min(Instant::now() + until)
            }
            Ok(None) | Err(_) => poll,
        }
    }

    /// Holds what was claimed and has it loaded beside the keeper's own work.
    async fn take(&mut self, claimed: Vec<Claimed>) {
        let mut good = Vec::with_capacity(claimed.len());
        let mut later = Vec::new();
        for job in claimed {
            if job.crashes >= SUSPECT_CRASHES && self.held.values().any(|held| held.suspect) {
                later.push(job.name());
            } else {
                self.hold(job.name(), job.wakes, job.crashes);
                if job.path.is_empty() {
                    good.push(job);
                } else {
                    self.carry_routed(job);
                }
            }
        }
        self.hand_back(&later, SUSPECT_LATER).await;
        if !good.is_empty() {
            let (engine, worker) = (self.engine.clone(), self.lease.worker());
            self.loading.spawn(async move {
                let loaded = load(&engine, worker, &good).await;
                (good, loaded.map_err(Into::into))
            });
        }
    }

    fn hold(&mut self, job: JobName, claimed: i32, crashes: i16) {
        let (signal, _) = watch::channel(Signal::default());
        let seat = Arc::clone(self.seats).try_acquire_owned().ok();
        self.held.insert(job, Held { claimed, suspect: crashes >= SUSPECT_CRASHES, signal, _seat: seat });
    }

    async fn begin(&mut self, loaded: Option<Loaded>) {
        let Some((jobs, result)) = loaded else { return };
        match result {
            Ok((runs, unloadable)) => {
                for run in runs {
                    self.carry(run);
                }
                for bad in unloadable {
                    match bad {
                        Unloadable::Later(run, reason) => {
                            tracing::warn!(run.id = %run, reason, "a run could not be loaded; it is handed back");
                            let job = JobName::of_run(run);
                            self.held.remove(&job);
                            self.hand_back(&[job], LOAD_AGAIN).await;
                        }
                        Unloadable::Never { job, reason } => {
                            let carrier = Arc::clone(&self.carrier);
                            self.carried.spawn(async move {
                                carrier.give_up(job.run, job.wakes, &reason).await;
                                (job.name(), job.wakes)
                            });
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, runs = jobs.len(), "claimed runs could not be loaded; they are handed back");
                let names: Vec<JobName> = jobs.iter().map(Claimed::name).collect();
                for name in &names {
                    self.held.remove(name);
                }
                self.hand_back(&names, LOAD_AGAIN).await;
            }
        }
    }

    fn carry(&mut self, run: LoadedRun) {
        let name = JobName::of_run(run.run);
        let Some(held) = self.held.get(&name).filter(|held| held.claimed == run.claimed) else { return };
        let signal = held.signal.subscribe();
        let carrier = Arc::clone(&self.carrier);
        self.carried.spawn(async move {
            let claimed = run.claimed;
            // A fault in here must not leave a run that is owned and carried by nobody.
            if AssertUnwindSafe(carrier.carry(run, signal)).catch_unwind().await.is_err() {
                carrier.give_up(name.run, claimed, "a fault of Onward stopped this run").await;
            }
            (name, claimed)
        });
    }

    /// A step of a run that somebody else carries.
    fn carry_routed(&mut self, job: Claimed) {
        let name = job.name();
        let Some(held) = self.held.get(&name) else { return };
        let (signal, carrier, claimed) = (held.signal.subscribe(), Arc::clone(&self.carrier), job.wakes);
        self.carried.spawn(async move {
            if AssertUnwindSafe(carrier.carry_routed(&job, signal)).catch_unwind().await.is_err() {
                tracing::error!(run.id = %job.run, step.path = %job.path, "a fault of Onward stopped a routed step");
                carrier.leave(&job, LOAD_AGAIN).await;
            }
            (name, claimed)
        });
    }

    async fn write_starts(&mut self, batch: EagerBatch) {
        let free = self.seats.available_permits();
        let begun = batch.write(self.engine.hot(), self.lease.worker(), free, self.settings.queues.as_deref()).await;
        for start in &begun {
            let run = LoadedRun::from(start);
            self.hold(JobName::of_run(run.run), run.claimed, run.crashes);
            self.carry(run);
        }
    }

    /// Compares what the table says with what we hold: adopts the unknown, drops the lost, passes on what happened.
    async fn sweep(&mut self) {
        if let Err(error) = self.lanes.refresh(self.engine.hot()).await {
            tracing::debug!(error = %error, "the lanes could not be read");
        }
        if let Err(error) = reap(self.engine.pool(), self.engine.wakes()).await {
            tracing::warn!(error = %error, "dead workers could not be reaped");
        }
        let owned = match sweep(self.engine.hot(), self.lease.worker()).await {
            Ok(owned) => owned,
            Err(error) => {
                tracing::warn!(error = %error, "a sweep failed");
                return;
            }
        };
        let mut there = BTreeSet::new();
        let mut unknown = Vec::new();
        for owned in owned {
            let name = owned.job.name();
            let known = self.held.get(&name);
            there.insert(name);
            match known {
                Some(held) => {
                    let signal = Signal { cancel: owned.cancel };
                    held.signal.send_if_modified(|known| std::mem::replace(known, signal) != signal);
                }
                None => unknown.push(owned.job),
            }
        }
        // A run that has just ended or parked is missing too; its task is past its last write, and ends anyway.
        self.held.retain(|job, _| there.contains(job));
        if !unknown.is_empty() {
            tracing::debug!(runs = unknown.len(), "jobs owned but not held are adopted");
            self.take(unknown).await;
        }
        self.more = true;
    }

    /// True when a run that we hold was woken, so that the table has to be looked at.
    fn notice(&mut self, wakes: Vec<Wake>) -> bool {
        let mut ours = false;
        for wake in wakes {
            match wake {
                Wake::Queue(queue) => self.lanes.notice(&queue),
                Wake::Run(run) => {
                    let next = self.held.range(JobName::of_run(run)..).next();
                    ours |= next.is_some_and(|(job, _)| job.run == run);
                }
            }
        }
        ours
    }

    fn forget(&mut self, ended: Option<(JobName, i32)>) {
        if let Some((job, claimed)) = ended
            && self.held.get(&job).is_some_and(|held| held.claimed == claimed)
        {
            self.held.remove(&job);
        }
    }

    async fn hand_back(&self, jobs: &[JobName], delay: Duration) {
        if jobs.is_empty() {
            return;
        }
        if let Err(error) = release(self.engine.hot(), self.engine.wakes(), self.lease.worker(), jobs, delay).await {
            tracing::warn!(error = %error, "jobs could not be handed back; the sweep adopts them");
        }
    }

    fn drop_everything(mut self) -> Left {
        self.carried.abort_all();
        self.loading.abort_all();
        Left::Lost
    }

    /// Lets attempts in flight finish, hands everything else back.
    async fn drain(mut self) -> Left {
        self.carrier.drain.cancel();
        let deadline = Instant::now() + self.settings.drain_max;
        let finished = tokio::time::timeout_at(deadline, async { while self.carried.join_next().await.is_some() {} });
        tokio::select! {
            _ = finished => {}
            () = self.lease.lost().cancelled() => return self.drop_everything(),
        }
        self.carried.shutdown().await;
        self.loading.shutdown().await;
        match sweep(self.engine.hot(), self.lease.worker()).await {
            Ok(rest) => {
                let rest: Vec<JobName> = rest.iter().map(|owned| owned.job.name()).collect();
                self.hand_back(&rest, Duration::ZERO).await;
            }
            Err(error) => {
                tracing::warn!(error = %error, "unfinished jobs could not be handed back; they will be reaped");
            }
        }
        Left::Drained
    }
}
