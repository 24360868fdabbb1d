//! What a trigger and a document say of one start: whether there is to be a run, with which inputs, where and under which
//! key.

use serde_json::{Map, Value};

use crate::{Definition, EvaluationError, Priority, Scope, Template, Trigger};

/// What a trigger makes of what it brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Its `if` is false: no run.
    Filtered,
    Run {
        inputs: Value,
        key: Option<String>,
    },
}

/// Reads a trigger's `if`, `inputs` and `idempotency_key`. `trigger` is what the document reads under this name,
/// `payload` what the inputs are when the trigger maps none.
pub fn read_trigger(
    definition: &Definition,
    trigger: &Trigger,
    value: &Value,
    payload: Value,
    env: &Value,
) -> Result<Reading, EvaluationError> {
    if trigger.condition.is_none() && trigger.inputs.is_none() && trigger.idempotency_key.is_none() {
        return Ok(Reading::Run { inputs: payload, key: None });
    }
    let workflow = serde_json::json!({ "id": definition.id, "name": definition.name });
    let scope = Scope::new().with("trigger", value).with("env", env).with("workflow", &workflow);
    if let Some(condition) = &trigger.condition
        && !condition.test(&scope)?
    {
        return Ok(Reading::Filtered);
    }
    let inputs = match &trigger.inputs {
        None => payload,
        Some(entries) => {
            let mut inputs = Map::with_capacity(entries.len());
            for (name, template) in entries {
                match template.render(&scope) {
                    Ok(value) => {
                        inputs.insert(name.clone(), value);
                    }
                    // What the caller left out counts as absent, so that the input's default applies.
                    Err(error) if error.missing.is_some() => {}
                    Err(error) => return Err(error),
                }
            }
            Value::Object(inputs)
        }
    };
    let scope = scope.with("inputs", &inputs);
    let key = trigger.idempotency_key.as_ref().map(|key| key.render_text(&scope)).transpose()?;
    Ok(Reading::Run { inputs, key })
}

/// What the document's own fields come to for one start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartFields {
    pub idempotency_key: Option<String>,
    pub queue: Option<String>,
    pub priority: Option<String>,
    /// Of the document's `concurrency` and `rate_limit`; empty when they name none.
    pub concurrency_key: Option<String>,
    pub rate_key: Option<String>,
}

impl StartFields {
    /// Over checked inputs.
    pub fn read(
        definition: &Definition,
        inputs: &Value,
        trigger: &Value,
        env: &Value,
    ) -> Result<Self, EvaluationError> {
        let concurrency = definition.concurrency.as_ref();
        let rate = definition.rate_limit.as_ref();
        let nothing =
            [&definition.idempotency_key, &definition.queue, &definition.priority].into_iter().all(Option::is_none);
        if nothing && concurrency.is_none() && rate.is_none() {
            return Ok(Self::default());
        }
        let scope = Scope::new().with("inputs", inputs).with("trigger", trigger).with("env", env);
        let text = |template: &Option<Template>| template.as_ref().map(|key| key.render_text(&scope)).transpose();
        Ok(Self {
            idempotency_key: text(&definition.idempotency_key)?,
            queue: text(&definition.queue)?,
            priority: text(&definition.priority)?,
            concurrency_key: concurrency.map(|limit| text(&limit.key)).transpose()?.map(Option::unwrap_or_default),
            rate_key: rate.map(|limit| text(&limit.key)).transpose()?.map(Option::unwrap_or_default),
        })
    }

    pub fn priority(&self) -> Option<Priority> {
        Priority::parse(self.priority.as_deref()?)
    }
}

/// The longest key, in bytes.
pub const START_KEY_MAX: usize = 255;
