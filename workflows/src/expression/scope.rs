//! What an expression can read.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};
use serde_json::Value as Json;

use super::convert::from_json;

/// Hidden entries: no author can write such a name.
pub(crate) const NOW: &str = "@now";
pub(crate) const SEED: &str = "@seed";

/// The names an expression can read, by root: `inputs`, `steps`, `run`, …
#[derive(Debug, Clone, Default)]
pub struct Scope {
    names: Arc<Names>,
}

#[derive(Debug, Clone, Default)]
struct Names {
    own: Vec<(Cow<'static, str>, Value)>,
    /// Asked when a name is not among `own`: what all evaluations of a run share.
    below: Option<Value>,
}

impl Scope {
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope that adds names to an object that is already there.
    pub(crate) fn over(below: Value) -> Self {
        Self { names: Arc::new(Names { own: Vec::with_capacity(5), below: Some(below) }) }
    }

    /// Adds a name, in place of an earlier one that is spelled the same.
    #[must_use]
    pub fn with(self, name: &str, value: &Json) -> Self {
        self.with_value(Cow::Owned(name.to_owned()), from_json(value))
    }

    #[must_use]
    pub(crate) fn with_value(mut self, name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        let name = name.into();
        let names = Arc::make_mut(&mut self.names);
        match names.own.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => names.own.push((name, value)),
        }
        self
    }

    /// The instant that `now()` gives and the text that `uuid()` is derived from.
    #[must_use]
    pub(crate) fn at(self, now: &chrono::DateTime<chrono::Utc>, seed: String) -> Self {
        let now = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        self.with_value(NOW, Value::from(now)).with_value(SEED, Value::from(seed))
    }

    pub(crate) fn root(&self) -> Value {
        Value::from_dyn_object(Arc::clone(&self.names))
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if let Some((_, value)) = self.own.iter().find(|(name, _)| name == key) {
            return Some(value.clone());
        }
        self.below.as_ref()?.as_object()?.get_value_by_str(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let own = self.own.iter().map(|(name, _)| Value::from(name.as_ref()));
        let below = self.below.as_ref().and_then(|below| below.try_iter().ok()).into_iter().flatten();
        Enumerator::Values(
            own.chain(below).filter(|name| !name.as_str().unwrap_or_default().starts_with('@')).collect(),
        )
    }
}
