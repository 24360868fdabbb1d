//! Reading a rendered config: each mistake names its field, never its value, which may be a secret.

use onward_workflows::{ErrorKind, Outcome, StepError, StepType};
use serde_json::{Map, Value};

/// A field whose rendered value cannot be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::Failed(StepError::new(ErrorKind::Config, format!("`{}` {}", self.field, self.text)))
    }
}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        problem.outcome()
    }
}

/// The fields of a config; null counts as not written, so that `{{ x | default(none) }}` leaves a field out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Only the fields of the type, which may have come from a template.
    pub(crate) fn open(config: &'a Value, step_type: &StepType) -> Result<Self, Problem> {
        let config = config.as_object().ok_or_else(|| Problem::new("config", "must be an object"))?;
        let known = |key: &str| step_type.fields.iter().any(|field| field.name == key);
        if let Some(unknown) = config.keys().find(|key| !known(key)) {
            let names: Vec<_> = step_type.fields.iter().map(|field| field.name).collect();
            return Err(Problem::new(unknown, format!("is not known; there are {}", names.join(", "))));
        }
        Ok(Self(config))
    }

    pub(crate) fn value(self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// Text that is not blank; a number or a boolean is written out.
    pub(crate) fn text(self, field: &str) -> Result<String, Problem> {
        let text = self.text_or_none(field)?.ok_or_else(|| Problem::new(field, "is required"))?;
        if text.trim().is_empty() { Err(Problem::new(field, "is empty")) } else { Ok(text) }
    }

    pub(crate) fn text_or_none(self, field: &str) -> Result<Option<String>, Problem> {
        self.value(field).map(|value| scalar_text(value).ok_or_else(|| Problem::new(field, "must be text"))).transpose()
    }

    pub(crate) fn number(self, field: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Problem> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        let fits = number.filter(|number| range.contains(number));
        fits.map(Some).ok_or_else(|| {
            Problem::new(field, format!("must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    pub(crate) fn object(self, field: &str) -> Result<Option<&'a Map<String, Value>>, Problem> {
        self.value(field)
            .map(|value| value.as_object().ok_or_else(|| Problem::new(field, "must be an object")))
            .transpose()
    }

    /// One text or a list of them.
    pub(crate) fn texts(self, field: &str) -> Result<Vec<String>, Problem> {
        let Some(value) = self.value(field) else { return Ok(Vec::new()) };
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        values
            .iter()
            .map(|value| scalar_text(value).ok_or_else(|| Problem::new(field, "must be text or a list of texts")))
            .collect()
    }

    /// Exactly one of these has to be written.
    pub(crate) fn one_of(self, fields: &[&'static str]) -> Result<&'static str, Problem> {
        let mut written = fields.iter().filter(|field| self.value(field).is_some());
        match (written.next(), written.next()) {
            (Some(field), None) => Ok(field),
            (None, _) => Err(Problem::new(fields[0], format!("is required, or one of {}", fields[1..].join(", ")))),
            (Some(first), Some(second)) => Err(Problem::new(*second, format!("cannot stand beside `{first}`"))),
        }
    }
}

pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
