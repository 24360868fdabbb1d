//! Definitions built by hand, so that these tests do not depend on the parser.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::needless_pass_by_value, reason = "a literal is easier to pass by value")]

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{
    Arm, Backoff, Body, CallMode, Compensate, Definition, EventPattern, Expression, Failure, Foreach, LogLevel,
    OnError, Part, Retry, RunFacts, RunId, Step, Template, WaitFor,
};
use serde_json::{Value, json};

/// Seconds after the creation of the run.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).expect("an instant") + TimeDelta::seconds(seconds)
}

pub fn expression(source: &str) -> Expression {
    Expression::compile(source, 1, 1).unwrap_or_else(|error| panic!("{source}: {error}"))
}

pub fn template(value: &Value) -> Template {
    match value {
        Value::String(text) if text.contains("{{") => text_template(text),
        Value::Array(items) => Template::List(items.iter().map(template).collect()),
        Value::Object(entries) => {
            Template::Map(entries.iter().map(|(key, value)| (key.clone(), template(value))).collect())
        }
        literal => Template::Literal(literal.clone()),
    }
}

fn text_template(text: &str) -> Template {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (source, after) = after.split_once("}}").expect("a hole is closed");
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Hole(expression(source.trim())));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    match parts.pop() {
        Some(Part::Hole(hole)) if parts.is_empty() => Template::Hole(hole),
        Some(last) => {
            parts.push(last);
            Template::Text(parts)
        }
        None => Template::Literal(json!("")),
    }
}

pub fn no_retry() -> Retry {
    Retry {
        max: 0,
        delay: Duration::from_secs(1),
        backoff: Backoff::Exponential,
        max_delay: Duration::from_mins(5),
        jitter: false,
        within: None,
        condition: None,
    }
}

/// Steps of a list; `needs` defaults to all above, or to nothing in a parallel block, when the list is put together.
pub struct Draft {
    step: Step,
    needs: Option<Vec<String>>,
}

fn draft(id: &str, body: Body) -> Draft {
    let step = Step { retry: no_retry(), ..Step::new(id, body) };
    Draft { step, needs: None }
}

pub fn work(id: &str, config: Value) -> Draft {
    draft(id, Body::Work { step_type: "test.work".to_owned(), config: template(&config) })
}

pub fn value(id: &str, config: Value) -> Draft {
    draft(id, Body::Value(template(&config)))
}

pub fn log(id: &str, message: &str) -> Draft {
    draft(id, Body::Log { message: template(&json!(message)), level: LogLevel::Info, data: None })
}

pub fn wait_for(id: &str, duration: Value) -> Draft {
    draft(id, Body::Wait(WaitFor::For(template(&duration))))
}

pub fn wait_until(id: &str, instant: &str) -> Draft {
    draft(id, Body::Wait(WaitFor::Until(template(&json!(instant)))))
}

pub fn ret(id: &str, value: Value) -> Draft {
    draft(id, Body::Return(Some(template(&value))))
}

pub fn fail(id: &str, message: &str, code: Option<&str>) -> Draft {
    let code = code.map(|code| template(&json!(code)));
    draft(id, Body::Fail(Some(Failure { message: template(&json!(message)), code, details: None })))
}

/// Raises the error again that is being handled.
pub fn raise(id: &str) -> Draft {
    draft(id, Body::Fail(None))
}

pub fn block(id: &str, steps: Vec<Draft>) -> Draft {
    draft(id, Body::Block { steps: list(steps, false), at_once: None, parallel: false })
}

pub fn parallel(id: &str, at_once: Option<usize>, steps: Vec<Draft>) -> Draft {
    draft(id, Body::Block { steps: list(steps, true), at_once, parallel: true })
}

/// An arm without a condition is the "else".
pub fn switch(id: &str, arms: Vec<(Option<&str>, Vec<Draft>)>) -> Draft {
    let arm =
        |(condition, steps): (Option<&str>, _)| Arm { condition: condition.map(expression), steps: list(steps, false) };
    draft(id, Body::Switch(arms.into_iter().map(arm).collect()))
}

pub fn emit(id: &str, event: &str, key: &str, data: Value) -> Draft {
    let (event, key) = (template(&json!(event)), Some(template(&json!(key))));
    draft(id, Body::Emit { event, key, data: Some(template(&data)) })
}

pub fn call(id: &str, workflow: &str, mode: CallMode) -> Draft {
    let input = Some(template(&json!({"from": id})));
    draft(id, Body::Call { workflow: template(&json!(workflow)), input, mode })
}

/// Waits for this event, for so many seconds.
pub fn event(id: &str, name: &str, condition: Option<&str>, seconds: u64) -> Draft {
    let condition = condition.map(expression);
    let names = template(&json!(name));
    draft(id, Body::WaitForEvent(EventPattern { names, key: None, condition, since: None })).timeout(seconds)
}

impl Draft {
    pub fn needs(mut self, ids: &[&str]) -> Self {
        self.needs = Some(ids.iter().map(ToString::to_string).collect());
        self
    }

    pub fn when(mut self, condition: &str) -> Self {
        self.step.condition = Some(expression(condition));
        self
    }

    pub fn retry(mut self, retry: Retry) -> Self {
        self.step.retry = retry;
        self
    }

    pub fn repeats(self, max: u32) -> Self {
        self.retry(Retry { max, ..no_retry() })
    }

    pub fn goes_on(mut self) -> Self {
        self.step.on_error = OnError::Continue;
        self
    }

    pub fn handled_by(mut self, steps: Vec<Draft>) -> Self {
        self.step.on_error = OnError::Steps(list(steps, false));
        self
    }

    pub fn finally(mut self, steps: Vec<Draft>) -> Self {
        self.step.finally = list(steps, false);
        self
    }

    /// Undone by one step of work, which is repeated when asked to.
    pub fn undone(mut self) -> Self {
        let config = template(&json!({"undo": "{{ output }}"}));
        let body = Body::Work { step_type: "test.undo".to_owned(), config };
        let step = Step { retry: Retry { max: 2, ..no_retry() }, ..Step::new(self.step.id.clone(), body) };
        self.step.compensate = Some(Compensate { steps: vec![step], single: true });
        self
    }

    pub fn undone_by(mut self, steps: Vec<Draft>) -> Self {
        self.step.compensate = Some(Compensate { steps: list(steps, false), single: false });
        self
    }

    pub fn each(self, items: Value) -> Self {
        self.foreach(items, 1, None)
    }

    pub fn foreach(mut self, items: Value, concurrency: usize, batch: Option<usize>) -> Self {
        self.step.foreach = Some(Foreach { items: template(&items), name: "item".to_owned(), concurrency, batch });
        self
    }

    pub fn timeout(mut self, seconds: u64) -> Self {
        self.step.timeout = Some(Duration::from_secs(seconds));
        self
    }

    pub fn expects(mut self, condition: &str) -> Self {
        self.step.expect = Some(expression(condition));
        self
    }

    pub fn gives(mut self, output: Value) -> Self {
        self.step.output = Some(template(&output));
        self
    }

    pub fn change(mut self, change: impl FnOnce(&mut Step)) -> Self {
        change(&mut self.step);
        self
    }
}

fn list(drafts: Vec<Draft>, parallel: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for Draft { mut step, needs } in drafts {
        step.needs = match needs {
            None if parallel => Vec::new(),
            None => (0..steps.len()).collect(),
            Some(ids) => {
                ids.iter().map(|id| steps.iter().position(|step| step.id == *id).expect("a step above")).collect()
            }
        };
        steps.push(step);
    }
    steps
}

pub fn definition(steps: Vec<Draft>) -> Definition {
    Definition::new("sample", "Sample", list(steps, false)).numbered()
}

pub fn with_on_error(steps: Vec<Draft>, on_error: Vec<Draft>) -> Definition {
    Definition { on_error: list(on_error, false), ..definition(steps) }.numbered()
}

pub fn with_ends(steps: Vec<Draft>, on_error: Vec<Draft>, finally: Vec<Draft>) -> Definition {
    Definition { finally: list(finally, false), ..with_on_error(steps, on_error) }.numbered()
}

pub fn facts(inputs: Value) -> Arc<RunFacts> {
    Arc::new(RunFacts {
        run: RunId("0197a000-0000-7000-8000-000000000001".parse().expect("a UUID")),
        workflow: "sample".to_owned(),
        workflow_name: "Sample".to_owned(),
        version: 3,
        inputs,
        variables: json!({"language": "he"}),
        env: json!({"ONWARD_PUBLIC_URL": "https://onward.test/"}),
        trigger: json!({"type": "manual"}),
        labels: json!({}),
        secrets: json!({}),
        depth: 0,
        created_at: at(0),
        admitted_at: None,
        scheduled_at: None,
    })
}
