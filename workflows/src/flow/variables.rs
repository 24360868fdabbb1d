//! A document's `variables`, evaluated once, at the start of a run, and stored with it.

use std::sync::Arc;

use serde_json::Value;

use super::RunFacts;
use super::known::key;
use super::scope::RunView;
use crate::{Definition, EvaluationError, Scope, Template};
use minijinja::Value as Readable;

/// Reads `inputs`, `env` and `run`; what `facts` says of the variables themselves is not looked at.
pub fn evaluate_variables(definition: &Definition, facts: &RunFacts) -> Result<Value, EvaluationError> {
    match &definition.variables {
        Template::Literal(variables) => Ok(variables.clone()),
        template => {
            let scope = Scope::new()
                .with("inputs", &facts.inputs)
                .with("env", &facts.env)
                .with_value("run", Readable::from_object(RunView::new(Arc::new(facts.clone()))))
                .at(&facts.created_at, key(facts, ""));
            template.render(&scope)
        }
    }
}
