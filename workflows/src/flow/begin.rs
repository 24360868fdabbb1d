//! What a leaf asks for when it begins.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::compute::{OUTPUT_MAX, not_evaluated};
use super::known::{Known, key};
use super::list::Round;
use super::unit::{Listening, Unit};
use super::{
    Action, ArrivedEvent, CacheUse, CallChild, ChildEnd, EmitEvent, EventWait, Limits, LogLine, RateBound, RunFacts,
    RunStatus, RunStep, SlotLimit, scope, wait,
};
use crate::payload::check_output;
use crate::slug::is_queue_name;
use crate::{Body, Cache, CallMode, ErrorKind, EventId, EventPattern, Priority, RunId, Step, StepError, Template};

/// Of one attempt, for a step that names none.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// How far a wait may look back.
const LOOK_BACK_MAX: TimeDelta = TimeDelta::days(30);
/// Runs above one another.
const DEPTH_MAX: u32 = 10;
/// Bytes of a key, and of an event's name.
const KEY_MAX: usize = 255;

pub(super) enum Begin {
    Asked(Action),
    /// It was started by an earlier owner of the run.
    Called {
        child: RunId,
    },
    Line(LogLine),
    Waits {
        since: DateTime<Utc>,
        due_at: DateTime<Utc>,
    },
    Listens(Listening),
}

type Problem = Box<StepError>;

pub(super) fn begin(step: &Step, unit: &Unit, round: &Round<'_>, attempt: u32) -> Result<Begin, Problem> {
    let reader = Reader { known: round.known, unit };
    match &step.body {
        Body::Work { step_type, config } => {
            work(step, step_type, config, &reader, attempt).map(Action::Run).map(Begin::Asked)
        }
        Body::Log { message, level, data } => {
            let message = reader.text(message)?;
            let data = data.as_ref().map(|data| reader.value(data)).transpose()?;
            let kept = data.as_ref().map_or(Ok(()), |data| check_output(data, OUTPUT_MAX));
            if let Err(problem) = kept.and_then(|()| check_output(&json!(message), OUTPUT_MAX)) {
                return Err(refused(ErrorKind::Limit, format!("the line cannot be kept: {problem}")));
            }
            Ok(Begin::Line(LogLine { level: *level, message, data }))
        }
        Body::Wait(wait) => {
            let since = unit.ready_at;
            let due_at = wait::due_at(wait, round.known, &unit.env, &unit.path, since)?;
            Ok(Begin::Waits { since, due_at })
        }
        Body::WaitForEvent(pattern) => listen(step, pattern, round.known, unit, unit.turn_at()).map(Begin::Listens),
        Body::Emit { event, key, data } => {
            let name = name(reader.text(event)?, "the event's name")?;
            let key = key.as_ref().map(|key| reader.text(key)).transpose()?;
            let data = data.as_ref().map_or(Ok(Value::Null), |data| reader.value(data))?;
            let id = EventId(derived(&[&key_of(&reader), "event"], unit.ready_at).0);
            let path = unit.path.to_string();
            let depth = event_depth(&round.known.facts);
            Ok(Begin::Asked(Action::Emit(EmitEvent { path, attempt, id, name, key, data, depth })))
        }
        Body::Call { workflow, input, mode } => call(step, (workflow, input.as_ref(), *mode), &reader, round, attempt),
        Body::Block { .. } | Body::Switch(_) | Body::Value(_) | Body::Return(_) | Body::Fail(_) => {
            unreachable!("these are not leaves")
        }
    }
}

/// A run that an event has started passes its place in the chain on.
fn event_depth(facts: &RunFacts) -> i16 {
    let depth = facts.trigger.get("depth").and_then(Value::as_i64).unwrap_or(0);
    i16::try_from(depth).unwrap_or(i16::MAX).saturating_add(1)
}

/// Evaluates the templates of one unit.
struct Reader<'r> {
    known: &'r Known,
    unit: &'r Unit,
}

impl Reader<'_> {
    fn value(&self, template: &Template) -> Result<Value, Problem> {
        let Unit { env, path, ready_at, .. } = self.unit;
        self.known.render(template, env, path, *ready_at).map_err(|error| Box::new(not_evaluated(&error)))
    }

    fn text(&self, template: &Template) -> Result<String, Problem> {
        let Unit { env, path, ready_at, .. } = self.unit;
        self.known.render_text(template, env, path, *ready_at).map_err(|error| Box::new(not_evaluated(&error)))
    }
}

fn work(
    step: &Step,
    step_type: &str,
    config: &Template,
    reader: &Reader<'_>,
    attempt: u32,
) -> Result<RunStep, Problem> {
    let config = reader.value(config)?;
    let written = step.idempotency_key.as_ref().map(|key| reader.text(key)).transpose()?;
    if written.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_MAX) {
        return Err(refused(ErrorKind::Config, format!("`idempotency_key` has between 1 and {KEY_MAX} bytes")));
    }
    let cache = step.cache.as_ref().map(|cache| cache_use(cache, step_type, &config, reader)).transpose()?;
    let queue = step.queue.as_ref().map(|queue| queue_name(reader.text(queue)?)).transpose()?;
    let priority = step.priority.as_ref().map(|priority| priority_of(&reader.text(priority)?)).transpose()?;
    Ok(RunStep {
        path: reader.unit.path.to_string(),
        attempt,
        step_type: step_type.to_owned(),
        config,
        key_is_written: written.is_some(),
        idempotency_key: written.unwrap_or_else(|| key_of(reader)),
        timeout: step.timeout.unwrap_or(TIMEOUT_DEFAULT),
        undoable: step.number.undoable,
        cache,
        queue,
        priority,
        limits: limits(step, reader)?,
    })
}

/// The same for whoever carries the attempt out.
pub(super) fn work_of(step: &Step, unit: &Unit, known: &Known, attempt: u32) -> Option<RunStep> {
    let Body::Work { step_type, config } = &step.body else { return None };
    work(step, step_type, config, &Reader { known, unit }, attempt).ok()
}

fn queue_name(text: String) -> Result<String, Problem> {
    if is_queue_name(&text) {
        return Ok(text);
    }
    Err(refused(ErrorKind::Config, format!("`queue` is {text:?}, which cannot be the name of a queue")))
}

fn priority_of(text: &str) -> Result<Priority, Problem> {
    let words = || Priority::WORDS.join(", ");
    Priority::parse(text)
        .ok_or_else(|| refused(ErrorKind::Config, format!("`priority` is {text:?}, which is none of {}", words())))
}

/// A written key is shared by all steps that name it; without one the limit is this step's.
fn limits(step: &Step, reader: &Reader<'_>) -> Result<Limits, Problem> {
    let key = |written: &Option<Template>| -> Result<String, Problem> {
        match written {
            Some(template) => Ok(format!("key:{}", name(reader.text(template)?, "the key of a limit")?)),
            None => Ok(format!("step:{}/{}", reader.known.facts.workflow, step.id)),
        }
    };
    let slot = match &step.concurrency {
        Some(bound) => Some(SlotLimit { key: key(&bound.key)?, limit: bound.limit }),
        None => None,
    };
    let rate = match &step.rate_limit {
        Some(bound) => Some(RateBound { key: key(&bound.key)?, limit: bound.limit, per: bound.per }),
        None => None,
    };
    Ok(Limits { slot, rate })
}

fn cache_use(cache: &Cache, step_type: &str, config: &Value, reader: &Reader<'_>) -> Result<CacheUse, Problem> {
    let of = match &cache.key {
        Some(key) => reader.text(key)?,
        None => config.to_string(),
    };
    let mut hash = Sha256::new();
    hash.update(step_type);
    hash.update([0]);
    hash.update(of);
    let key = hash.finalize().iter().fold(String::new(), |mut key, byte| {
        write!(key, "{byte:02x}").expect("a text takes anything");
        key
    });
    Ok(CacheUse { key, ttl: cache.ttl })
}

pub(super) fn listen(
    step: &Step,
    pattern: &EventPattern,
    known: &Known,
    unit: &Unit,
    since: DateTime<Utc>,
) -> Result<Listening, Problem> {
    let reader = Reader { known, unit };
    let names = match reader.value(&pattern.names)? {
        Value::String(text) => vec![name(text, "`event`")?],
        Value::Array(names) => names
            .into_iter()
            .map(|one| match one {
                Value::String(text) => name(text, "`event`"),
                other => Err(refused(ErrorKind::Config, format!("`event` names {other}, which is not a text"))),
            })
            .collect::<Result<_, _>>()?,
        other => {
            return Err(refused(ErrorKind::Config, format!("`event` is {other}, which is neither a name nor a list")));
        }
    };
    let key = pattern.key.as_ref().map(|key| reader.text(key)).transpose()?;
    let from = match &pattern.since {
        // Exclusive: an event of the very instant counts.
        None => known.facts.created_at - TimeDelta::milliseconds(1),
        Some(template) => {
            let text = reader.text(template)?;
            let parsed = DateTime::parse_from_rfc3339(&text);
            parsed
                .map_err(|_| refused(ErrorKind::Config, format!("`since` is {text:?}, which is no instant")))?
                .to_utc()
        }
    };
    let due_at = since + step.timeout.unwrap_or(wait::WAIT_MAX);
    Ok(Listening { wait: EventWait { names, key, since: from.max(since - LOOK_BACK_MAX) }, since, due_at })
}

fn call(
    step: &Step,
    (workflow, input, mode): (&Template, Option<&Template>, CallMode),
    reader: &Reader<'_>,
    round: &Round<'_>,
    attempt: u32,
) -> Result<Begin, Problem> {
    let unit = reader.unit;
    let facts = &reader.known.facts;
    let child = child_of(step, facts, &unit.path, attempt, unit.ready_at).expect("this step calls");
    if mode == CallMode::Wait && round.stored.child(child).is_some() {
        return Ok(Begin::Called { child });
    }
    if facts.depth >= DEPTH_MAX {
        return Err(refused(ErrorKind::Limit, format!("at most {DEPTH_MAX} runs may call one another in a chain")));
    }
    Ok(Begin::Asked(Action::Call(CallChild {
        path: unit.path.to_string(),
        attempt,
        child,
        workflow: reader.text(workflow)?,
        input: input.map_or_else(|| Ok(json!({})), |input| reader.value(input))?,
        wait: mode == CallMode::Wait,
        depth: facts.depth + 1,
    })))
}

/// The run that an attempt of a `call` starts.
pub(super) fn child_of(
    step: &Step,
    facts: &RunFacts,
    path: &str,
    attempt: u32,
    ready_at: DateTime<Utc>,
) -> Option<RunId> {
    matches!(step.body, Body::Call { .. })
        .then(|| derived(&[&key(facts, path), &attempt.to_string(), "child"], ready_at))
}

/// A `UUIDv7` of this instant whose other bits come from a hash: every process derives the same one.
fn derived(from: &[&str], at: DateTime<Utc>) -> RunId {
    let mut hash = Sha256::new();
    for part in from {
        hash.update(part);
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut random = [0_u8; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    RunId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

fn key_of(reader: &Reader<'_>) -> String {
    key(&reader.known.facts, &reader.unit.path)
}

pub(super) fn outcome_of(child: RunId, end: ChildEnd) -> Result<Value, Problem> {
    match end.status {
        RunStatus::Succeeded => Ok(end.output.unwrap_or_default()),
        RunStatus::Failed | RunStatus::Canceled => {
            let (kind, why) = match end.error {
                Some(error) => (error.kind, format!("failed: {}", error.message)),
                None => (ErrorKind::Fail, "was canceled".to_owned()),
            };
            let mut error = StepError::new(kind, format!("the called run {child} {why}"));
            error.details = Some(json!({ "run_id": child.to_string() }));
            Err(Box::new(error))
        }
    }
}

fn name(text: String, what: &str) -> Result<String, Problem> {
    if text.is_empty() || text.len() > KEY_MAX {
        return Err(refused(ErrorKind::Config, format!("{what} has between 1 and {KEY_MAX} bytes")));
    }
    Ok(text)
}

fn refused(kind: ErrorKind, message: String) -> Problem {
    Box::new(StepError::new(kind, message))
}

impl EventWait {
    /// As far as the database can tell.
    pub fn matches(&self, event: &ArrivedEvent) -> bool {
        self.names.contains(&event.name)
            && (self.key.is_none() || self.key == event.key)
            && self.since < event.received_at
    }
}

impl ArrivedEvent {
    pub(super) fn to_value(&self) -> Value {
        let received_at = scope::instant(self.received_at).to_string();
        json!({
            "id": self.id, "name": self.name, "key": self.key, "data": self.data, "received_at": received_at,
        })
    }
}
