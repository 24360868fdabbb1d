//! Carrying one run: asks the flow what comes next, has it stored, runs what may be run, until the run ends or waits.

mod asked;
mod elsewhere;
mod limits;
mod store;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{
    CancelRequest, Claimed, Committer, EndRow, Engine, LOOK_AGAIN, Lease, LoadedRun, Park, Priority, Release, RunWrite,
    Then, Written, load,
};
use onward_workflows::{Action, End, ErrorKind, Event, Flow, Limits, RunId, RunStatus, RunStep, StepError, Wait};
use rand::Rng;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use self::asked::Asked;
use self::limits::{Landed, is_outside};
use crate::attempt;
use crate::errand::{self, Errand};
use crate::repertoire::Repertoire;
use crate::secrets::Unsealed;

/// Waits up to this long stay in memory: parking and claiming again would cost more.
const IN_MEMORY_WAIT_MAX: TimeDelta = TimeDelta::seconds(2);
/// A run that killed its workers this often without a checkpoint in between ends.
pub(crate) const CRASHES_MAX: i16 = 5;
/// A run whose write is too heavy for the database is handed back for this long.
const HEAVY_PAUSE: TimeDelta = TimeDelta::seconds(10);
/// Spreads the hourly look at waiting runs.
const LOOK_AGAIN_JITTER_SECONDS: i64 = 300;

/// What the keeper tells a run's task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signal {
    pub cancel: Option<CancelRequest>,
}

/// What all runs of one registration share.
pub(crate) struct Carrier {
    pub engine: Engine,
    pub steps: Arc<Repertoire>,
    pub committer: Committer,
    pub lease: Lease,
    pub seats: Arc<Semaphore>,
    /// Start nothing more; finish what is in hand.
    pub drain: CancellationToken,
}

/// How one stretch of carrying ended.
enum Stretch {
    Over,
    /// Something has happened to the run outside: read it again.
    ReadAgain,
}

impl Carrier {
    pub(crate) async fn carry(&self, loaded: LoadedRun, mut signal: watch::Receiver<Signal>) {
        let job = loaded.job();
        let mut next = Some(loaded);
        while let Some(mut loaded) = next.take() {
            if loaded.past.cancel.is_none() && !self.admits(&mut loaded).await {
                return;
            }
            let Some(unsealed) = self.unseal(&mut loaded).await else { return };
            match Carried::new(self, loaded, unsealed).stretch(&mut signal).await {
                Stretch::Over => return,
                // Let go meanwhile, and perhaps claimed again: then another task of this worker carries the run.
                Stretch::ReadAgain if signal.has_changed().is_err() => return,
                Stretch::ReadAgain => next = self.read_again(&job).await,
            }
        }
    }

    async fn read_again(&self, job: &Claimed) -> Option<LoadedRun> {
        match load(&self.engine, self.lease.worker(), std::slice::from_ref(job)).await {
            Ok((mut runs, _)) => runs.pop(),
            Err(error) => {
                tracing::warn!(run.id = %job.run, error = %error, "a run could not be read again; the sweep adopts it");
                None
            }
        }
    }

    /// Ends a run that cannot be carried at all.
    pub(crate) async fn give_up(&self, run: RunId, claimed: i32, reason: &str) {
        tracing::error!(run.id = %run, reason, "a run cannot be carried and fails");
        let end = failed(ErrorKind::Internal, reason);
        let write = RunWrite { then: Then::End(EndRow::from(&end)), settles: true, ..RunWrite::nothing(run, claimed) };
        self.committer.write(write).await;
    }
}

pub(crate) fn failed(kind: ErrorKind, message: &str) -> End {
    let error = Some(StepError::new(kind, message));
    End { status: RunStatus::Failed, output: None, error, not_undone: Vec::new() }
}

/// One run in the hands of this worker.
struct Carried<'a> {
    carrier: &'a Carrier,
    flow: Flow,
    run: RunId,
    parent: Option<RunId>,
    claimed: i32,
    seen: i32,
    has_pending: bool,
    resets_crashes: bool,
    cancel: Option<CancelRequest>,
    crashes: i16,
    unsealed: Arc<Unsealed>,
    /// The seat that the run holds since its claim; one of its attempts at a time sits on it.
    seat: Arc<Semaphore>,
    attempts: JoinSet<Landed>,
    in_flight: HashMap<(String, u32), Flying>,
    /// What the flow has still to be told.
    told: VecDeque<Event>,
    /// Instants at which attempts may begin.
    reserved: HashMap<(String, u32), DateTime<Utc>>,
    /// Attempts whose limits let them begin.
    admitted: HashSet<(String, u32)>,
    takes_slots: bool,
    /// Paths whose attempts have a slot.
    slots: HashSet<String>,
    /// Where the run's own job stands.
    queue: String,
    priority: Priority,
}

struct Flying {
    task: AbortHandle,
    /// Nothing is lost when it is stopped in the middle.
    harmless: bool,
}

/// What a run's task has been waiting for.
enum Next {
    Event(Event),
    /// The limits of this attempt let it begin.
    Admitted(Box<RunStep>),
    /// The worker drains: start nothing more.
    Drain,
    /// The run is not ours any more.
    Gone,
}

impl<'a> Carried<'a> {
    fn new(carrier: &'a Carrier, loaded: LoadedRun, unsealed: Arc<Unsealed>) -> Self {
        let definition = Arc::clone(&loaded.version.definition);
        Self {
            carrier,
            flow: Flow::resume(definition, loaded.facts, loaded.past),
            run: loaded.run,
            parent: loaded.parent,
            claimed: loaded.claimed,
            seen: loaded.seen,
            has_pending: loaded.has_pending,
            resets_crashes: loaded.crashes > 0,
            cancel: loaded.cancel,
            crashes: loaded.crashes,
            unsealed,
            seat: Arc::new(Semaphore::new(1)),
            attempts: JoinSet::new(),
            in_flight: HashMap::new(),
            told: VecDeque::new(),
            reserved: loaded.reserved.into_iter().map(|(path, attempt, at)| ((path, attempt), at)).collect(),
            admitted: HashSet::new(),
            takes_slots: loaded.version.takes_slots,
            slots: HashSet::new(),
            queue: loaded.queue,
            priority: loaded.priority,
        }
    }

    async fn stretch(mut self, signal: &mut watch::Receiver<Signal>) -> Stretch {
        let now = self.now();
        let mut actions = if self.crashes >= CRASHES_MAX {
            let message = format!("the workers that carried this run died {} times without progress", self.crashes);
            vec![Action::End(failed(ErrorKind::CrashLoop, &message))]
        } else if let Some(CancelRequest { at, undo }) = self.cancel {
            self.flow.apply(Event::Cancel { at, undo }, now)
        } else {
            self.flow.next(now)
        };
        loop {
            while !actions.is_empty() {
                let mut asked = self.sort(std::mem::take(&mut actions));
                // Before the run may end: afterwards nobody would ask again.
                for child in std::mem::take(&mut asked.cancels) {
                    errand::cancel_child(&self.carrier.engine, child).await;
                }
                for (path, attempt) in std::mem::take(&mut asked.recalls) {
                    self.recall(&path, attempt).await;
                }
                if let Some(over) = self.store(&mut asked).await {
                    return over;
                }
                if self.carrier.drain.is_cancelled() {
                    // Not started is not burnt: the next owner asks the flow again.
                    asked.runs.clear();
                    asked.errands.clear();
                    asked.gates.clear();
                    if self.is_idle() {
                        return self.hand_back(TimeDelta::zero()).await;
                    }
                }
                for step in asked.runs {
                    if !self.begin(step) {
                        return Stretch::Over;
                    }
                }
                for step in asked.gates {
                    self.ask(step);
                }
                for errand in asked.errands {
                    self.send(errand);
                }
                actions = asked.then;
            }
            if self.is_idle() && self.carrier.drain.is_cancelled() {
                return self.hand_back(TimeDelta::zero()).await;
            }
            let waits = self.flow.waits();
            let wake_at = self.wake_at(&waits);
            // What happens outside reaches a run only while it is parked.
            let outside = waits.iter().any(|wait| is_outside(&wait.kind));
            if self.is_idle() && (outside || wake_at - self.now() > IN_MEMORY_WAIT_MAX) {
                return self.park(wake_at).await;
            }
            actions = match self.next_event(signal, wake_at).await {
                Next::Event(event) => {
                    if let Event::Outcome { path, .. } = &event {
                        self.give_back(path).await;
                    }
                    self.flow.apply(event, self.now())
                }
                Next::Admitted(step) => vec![Action::Run(RunStep { limits: Limits::default(), ..*step })],
                Next::Drain => Vec::new(),
                Next::Gone => return Stretch::Over,
            };
        }
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.told.is_empty()
    }

    fn now(&self) -> DateTime<Utc> {
        self.carrier.engine.clock().now()
    }

    /// The earliest instant at which the flow has to be told the time.
    fn wake_at(&self, waits: &[Wait]) -> DateTime<Utc> {
        let deadline = self.flow.deadline();
        waits.first().map_or(deadline, |wait| wait.due_at.min(deadline))
    }

    /// Starts an attempt; false when this worker may not start anything any more.
    fn begin(&mut self, step: RunStep) -> bool {
        if !self.carrier.lease.holds() {
            return false;
        }
        let (own, seats) = (Arc::clone(&self.seat), Arc::clone(&self.carrier.seats));
        let name = (step.path.clone(), step.attempt);
        let repeatable = self.carrier.steps.safe_to_repeat(&step.step_type, &step.config, step.key_is_written);
        let harmless = repeatable && !step.undoable;
        let (engine, lease) = (self.carrier.engine.clone(), self.carrier.lease.clone());
        let (unsealed, cache) = (Arc::clone(&self.unsealed), step.cache.clone());
        let steps = Arc::clone(&self.carrier.steps);
        let step = (self.run, step);
        let attempt = attempt::run(engine.clone(), steps, lease, step, Arc::clone(&unsealed), own, seats);
        let task = self.attempts.spawn(async move {
            let event = unsealed.mask.event(attempt.await);
            attempt::keep(&engine, cache.as_ref(), &event).await;
            Landed::Told(event)
        });
        self.in_flight.insert(name, Flying { task, harmless });
        true
    }

    /// What the engine does for a step itself takes no seat.
    fn send(&mut self, errand: Errand) {
        let name = errand.name();
        let errand = errand::run(self.carrier.engine.clone(), self.run, errand);
        let task = self.attempts.spawn(async move { Landed::Told(errand.await) });
        self.in_flight.insert(name, Flying { task, harmless: false });
    }

    /// Waits for the next thing that the flow has to know.
    async fn next_event(&mut self, signal: &mut watch::Receiver<Signal>, wake_at: DateTime<Utc>) -> Next {
        let draining = self.carrier.drain.is_cancelled();
        if let Some(event) = self.told.pop_front() {
            return Next::Event(event);
        }
        loop {
            let until = (wake_at - self.now()).to_std().unwrap_or_default();
            tokio::select! {
                biased;
                () = self.carrier.lease.lost().cancelled() => return Next::Gone,
                changed = signal.changed() => {
                    if changed.is_err() {
                        return Next::Gone;
                    }
                    let asked = signal.borrow().cancel;
                    if let (Some(CancelRequest { at, undo }), None) = (asked, self.cancel) {
                        self.cancel = asked;
                        return Next::Event(Event::Cancel { at, undo });
                    }
                }
                Some(landed) = self.attempts.join_next() => {
                    // Aborted tasks bring nothing back.
                    if let Some(next) = landed.ok().and_then(|landed| self.land(landed)) {
                        return next;
                    }
                }
                () = self.carrier.drain.cancelled(), if !draining => return Next::Drain,
                () = tokio::time::sleep(until.min(Duration::from_hours(1))), if !draining => {
                    if self.now() >= wake_at {
                        return Next::Event(Event::Time);
                    }
                }
            }
        }
    }

    /// Leaves the run waiting without a worker.
    async fn park(&mut self, wake_at: DateTime<Utc>) -> Stretch {
        let jitter = rand::rng().random_range(0..LOOK_AGAIN_JITTER_SECONDS);
        let look_again = self.now() + LOOK_AGAIN + TimeDelta::seconds(jitter);
        let park = Park { seen: self.seen, due_at: wake_at.min(look_again), waits: self.flow.waits() };
        let write = RunWrite { then: Then::Park(park), ..RunWrite::nothing(self.run, self.claimed) };
        match self.carrier.committer.write(write).await {
            Written::ReadAgain => Stretch::ReadAgain,
            Written::TooHeavy => self.hand_back(HEAVY_PAUSE).await,
            Written::Stored | Written::Lost | Written::Refused(_) => Stretch::Over,
        }
    }

    async fn hand_back(&mut self, pause: TimeDelta) -> Stretch {
        let write = RunWrite {
            then: Then::Release(Release { seen: self.seen, due_at: self.now() + pause }),
            ..RunWrite::nothing(self.run, self.claimed)
        };
        self.carrier.committer.write(write).await;
        Stretch::Over
    }
}
