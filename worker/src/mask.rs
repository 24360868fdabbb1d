//! Keeps the values of secrets out of what is stored: wherever one occurs, its name stands instead.
//!
//! Other sides repeat what they were sent: an echoed header, an address in an error text. A value is found as it is, and
//! as JSON, URLs, forms and base64 write it.

mod writing;

use std::collections::BTreeMap;

use onward_workflows::{Checkpoint, End, Event, Outcome, StepError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use writing::{base64_forms, end_of_match};

/// Shorter values occur by chance, and hiding them would spoil what is stored.
const HIDDEN_BYTES_MIN: usize = 4;

#[derive(Default)]
pub(crate) struct Mask {
    hidden: Vec<Hidden>,
    /// Bytes with which a hidden value may begin, in any writing.
    first: Vec<bool>,
}

struct Hidden {
    shown: String,
    value: SecretString,
    base64: Vec<SecretString>,
}

impl Mask {
    pub fn new(secrets: &BTreeMap<String, SecretString>) -> Self {
        let mut first = vec![false; 256];
        let mut hidden = Vec::new();
        for (name, value) in secrets.iter().filter(|(_, value)| value.expose_secret().len() >= HIDDEN_BYTES_MIN) {
            let base64: Vec<SecretString> =
                base64_forms(value.expose_secret()).into_iter().map(SecretString::from).collect();
            for form in base64.iter().chain([value]) {
                first[usize::from(form.expose_secret().as_bytes()[0])] = true;
            }
            for escape in *b"%\\+" {
                first[usize::from(escape)] = true;
            }
            hidden.push(Hidden { shown: format!("[secret {name}]"), value: value.clone(), base64 });
        }
        Self { hidden, first }
    }

    pub fn event(&self, event: Event) -> Event {
        match event {
            Event::Outcome { path, attempt, outcome, started_at, finished_at } => {
                Event::Outcome { path, attempt, outcome: self.outcome(outcome), started_at, finished_at }
            }
            Event::ChildStarted { .. }
            | Event::Routed { .. }
            | Event::Deferred { .. }
            | Event::Committed { .. }
            | Event::Time
            | Event::Cancel { .. } => event,
        }
    }

    fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done(output) => Outcome::Done(self.value(output)),
            Outcome::Failed(error) => Outcome::Failed(self.error(error)),
            Outcome::Ambiguous(error) => Outcome::Ambiguous(self.error(error)),
        }
    }

    /// An expression that cannot be evaluated says of what; outputs were masked when they came.
    pub fn checkpoint(&self, checkpoint: Checkpoint) -> Checkpoint {
        Checkpoint { error: checkpoint.error.map(|error| self.error(error)), ..checkpoint }
    }

    pub fn end(&self, end: End) -> End {
        End { error: end.error.map(|error| self.error(error)), ..end }
    }

    fn error(&self, error: StepError) -> StepError {
        StepError {
            message: self.text(error.message),
            code: error.code.map(|code| self.text(code)),
            details: error.details.map(|details| self.value(details)),
            ..error
        }
    }

    fn value(&self, value: Value) -> Value {
        if self.hidden.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(text)),
            // A secret of digits that comes back as a number.
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.text(text.clone());
                if masked == text { Value::Number(number) } else { Value::String(masked) }
            }
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => {
                let masked = fields.into_iter().map(|(name, value)| (self.text(name), self.value(value)));
                Value::Object(masked.collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) => value,
        }
    }

    fn text(&self, text: String) -> String {
        if self.hidden.is_empty() {
            return text;
        }
        let bytes = text.as_bytes();
        let (mut masked, mut copied, mut at) = (String::new(), 0, 0);
        while at < bytes.len() {
            if self.first[usize::from(bytes[at])]
                && let Some((end, shown)) = self.find_at(bytes, at)
            {
                masked.push_str(&text[copied..at]);
                masked.push_str(shown);
                (copied, at) = (end, end);
            } else {
                at += 1;
            }
        }
        if copied == 0 { text } else { masked + &text[copied..] }
    }

    /// The longest value that stands there, in any writing.
    fn find_at(&self, text: &[u8], at: usize) -> Option<(usize, &str)> {
        let ends = self.hidden.iter().filter_map(|hidden| {
            let forms = hidden.base64.iter().map(|form| form.expose_secret().as_bytes());
            let encoded = forms.filter(|form| text[at..].starts_with(form)).map(|form| at + form.len()).max();
            let end = end_of_match(text, at, hidden.value.expose_secret().as_bytes()).max(encoded)?;
            Some((end, hidden.shown.as_str()))
        });
        ends.max_by_key(|(end, _)| *end)
    }
}

#[cfg(test)]
mod tests;
