//! What the checker knows of step types: their names, their config fields, whether this binary runs them.

mod built_in;

use std::collections::BTreeSet;
use std::fmt;

use crate::definition::{Body, Definition};

/// One step type as the checker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepType {
    pub name: &'static str,
    /// One sentence for `onward types`.
    pub summary: &'static str,
    pub fields: &'static [ConfigField],
    /// What it reads besides its config, when it is set: the conventional names of its credentials.
    pub secrets: &'static [&'static str],
    /// False for types of the format that no worker of this version offers.
    pub built_in: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigField {
    pub name: &'static str,
    pub kind: FieldKind,
    pub required: bool,
    pub summary: &'static str,
}

/// What a literal value of a config field must be. A string with a hole is checked when it is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    Any,
    Text,
    /// `http://` or `https://`.
    Url,
    Boolean,
    Integer,
    Object,
    /// A duration as text, or milliseconds.
    Duration,
    OneOf(&'static [&'static str]),
}

impl fmt::Display for FieldKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "any",
            Self::Text => "text",
            Self::Url => "url",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Object => "object",
            Self::Duration => "duration",
            Self::OneOf(words) => return formatter.write_str(&words.join(" | ")),
        })
    }
}

/// The types one checker run knows.
#[derive(Debug, Clone)]
pub struct Catalog {
    types: Vec<StepType>,
    offered: Offered,
}

/// The work types that others carry out.
#[derive(Debug, Clone)]
enum Offered {
    Named(Vec<String>),
    /// Whatever the document names: it was checked when it was deployed.
    Any,
}

impl Catalog {
    /// The steering types, `work` (the types that the caller's workers run), and the format's other work types, which are
    /// accepted but marked as not built in.
    pub fn new(work: impl IntoIterator<Item = StepType>) -> Self {
        let mut types = built_in::STEERING.to_vec();
        types.extend(work);
        for step_type in built_in::WORK {
            if types.iter().all(|known| known.name != step_type.name) {
                types.push(step_type.clone());
            }
        }
        Self { types, offered: Offered::Named(Vec::new()) }
    }

    /// The same, with what connected workers offer. Of a type that is known by its name alone the config is not checked.
    #[must_use]
    pub fn offering(&self, names: Vec<String>) -> Self {
        Self { types: self.types.clone(), offered: Offered::Named(names) }
    }

    /// The same for documents that are deployed: the worker that offered a type may be gone, its runs are still there.
    #[must_use]
    pub fn trusting(&self) -> Self {
        Self { types: self.types.clone(), offered: Offered::Any }
    }

    pub(crate) fn is_offered(&self, name: &str) -> bool {
        match &self.offered {
            Offered::Named(names) => names.iter().any(|known| known == name),
            Offered::Any => is_work(name),
        }
    }

    pub fn find(&self, name: &str) -> Option<&StepType> {
        self.types.iter().find(|step_type| step_type.name == name)
    }

    /// The conventional secrets of the definition's step types that it does not declare itself.
    pub(crate) fn own_secrets(&self, definition: &Definition) -> Vec<String> {
        let mut names = BTreeSet::new();
        for step in definition.all_steps() {
            if let Body::Work { step_type, .. } = &step.body {
                names.extend(self.find(step_type).into_iter().flat_map(|known| known.secrets));
            }
        }
        let undeclared = |name: &&str| !definition.secrets.iter().any(|declared| declared == name);
        names.into_iter().copied().filter(undeclared).map(str::to_owned).collect()
    }

    pub fn types(&self) -> &[StepType] {
        &self.types
    }
}

/// Dotted names do work; names without a dot steer.
fn is_work(name: &str) -> bool {
    name.contains('.')
}

impl StepType {
    /// Documents in a template language of their own: the step renders them, the engine leaves them alone.
    pub(crate) fn has_own_templates(&self, field: &str) -> bool {
        matches!((self.name, field), ("pdf.render" | "pdf.generate", "html") | ("email.send", "html" | "text"))
    }
}
