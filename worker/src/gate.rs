//! Limits before anything begins: how many at once, how many per time.

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{CancelError, Engine};
use onward_engine::{
    LOOK_AGAIN, LimitError, LoadedRun, Priority, RateRequest, SlotRequest, acquire_slot, cancel, release_slots,
    reserve_rate, slot_rivals,
};
use onward_workflows::{Definition, EvaluationError, Limits, Overflow, RunFacts, RunId, StartFields};

/// Whether something may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// With the instant since which it may.
    Open(Option<DateTime<Utc>>),
    /// Not before this instant; it is reserved.
    Reserved(DateTime<Utc>),
    /// When it is woken.
    Waits(DateTime<Utc>),
    /// One too many, and it is not to wait.
    Skipped,
}

/// Whose turn it is, for messages and rows.
pub(crate) struct Asker {
    pub run: RunId,
    /// Empty for the run itself.
    pub path: String,
    pub attempt: u32,
    pub priority: Priority,
    /// An instant that was reserved for it before.
    pub reserved: Option<DateTime<Utc>>,
}

/// `provider`: further rates, of the service that an attempt goes to.
pub(crate) async fn pass(
    engine: &Engine,
    asker: &Asker,
    limits: &Limits,
    provider: &[RateRequest],
) -> Result<Gate, LimitError> {
    let now = engine.clock().now();
    let mut since = None;
    let own = limits.rate.as_ref();
    let own = own.map(|rate| RateRequest { key: rate.key.clone(), limit: rate.limit, per: rate.per });
    let mut reserved = asker.reserved;
    if reserved.is_none() {
        for request in own.iter().chain(provider) {
            reserved = reserved.max(Some(reserve_rate(engine, request).await?));
        }
    }
    if let Some(at) = reserved {
        if now < at {
            return Ok(Gate::Reserved(at));
        }
        since = Some(at);
    }
    if let Some(slot) = &limits.slot {
        let request = SlotRequest {
            key: slot.key.clone(),
            limit: slot.limit,
            run: asker.run,
            path: asker.path.clone(),
            attempt: asker.attempt,
            priority: asker.priority,
        };
        let Some(held) = acquire_slot(engine, &request).await? else {
            return Ok(Gate::Waits(now + TimeDelta::from_std(LOOK_AGAIN).expect("an hour")));
        };
        since = since.max(Some(held));
    }
    Ok(Gate::Open(since))
}

/// Why it is not known whether a run may begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmitError {
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// It had a value when the run was started; this binary reads it differently.
    #[error("the key of the document's limits has no value: {0}")]
    Key(#[from] EvaluationError),
}

/// The limits of a document's runs.
pub(crate) async fn admit(engine: &Engine, loaded: &LoadedRun) -> Result<Gate, AdmitError> {
    let definition = &loaded.version.definition;
    if definition.concurrency.is_none() && definition.rate_limit.is_none() {
        return Ok(Gate::Open(None));
    }
    let limits = limits_of(definition, &loaded.facts)?;
    let reserved = loaded.reserved.iter().find(|(path, ..)| path.is_empty()).map(|(.., at)| *at);
    let asker = Asker { run: loaded.run, path: String::new(), attempt: 1, priority: loaded.priority, reserved };
    let gate = pass(engine, &asker, &limits, &[]).await?;
    let (Gate::Waits(_), Some(concurrency), Some(slot)) = (gate, &definition.concurrency, &limits.slot) else {
        return Ok(gate);
    };
    match concurrency.overflow {
        Overflow::Queue => {}
        Overflow::Skip => {
            release_slots(engine, loaded.run, None).await?;
            return Ok(Gate::Skipped);
        }
        Overflow::Replace => {
            let (held, _) = slot_rivals(engine, &slot.key, loaded.run).await?;
            stop(engine, held).await;
        }
        Overflow::Latest => {
            let (_, waiting) = slot_rivals(engine, &slot.key, loaded.run).await?;
            stop(engine, waiting.into_iter().filter(|other| other.0 < loaded.run.0).collect()).await;
        }
    }
    Ok(gate)
}

fn limits_of(definition: &Definition, facts: &RunFacts) -> Result<Limits, EvaluationError> {
    let fields = StartFields::read(definition, &facts.inputs, &facts.trigger, &facts.env)?;
    let key = |key: Option<String>| format!("run:{}/{}", definition.id, key.unwrap_or_default());
    Ok(Limits {
        slot: definition
            .concurrency
            .as_ref()
            .map(|bound| onward_workflows::SlotLimit { key: key(fields.concurrency_key.clone()), limit: bound.limit }),
        rate: definition.rate_limit.as_ref().map(|bound| onward_workflows::RateBound {
            key: key(fields.rate_key.clone()),
            limit: bound.limit,
            per: bound.per,
        }),
    })
}

async fn stop(engine: &Engine, runs: Vec<RunId>) {
    for run in runs {
        match cancel(engine, run).await {
            Ok(_) | Err(CancelError::AlreadyEnded | CancelError::NotFound) => {}
            Err(CancelError::Database(error)) => {
                tracing::warn!(run.id = %run, error = %error, "a run could not be canceled to make room");
            }
        }
    }
}
