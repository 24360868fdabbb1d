//! A document's `variables`, evaluated once, at the start of a run, and stored with it.

use std::sync::Arc;

use serde_json::Value;

use super::RunFacts;
use super::known::{key, run_value};
use crate::{Definition, EvaluationError, Scope, Template};

/// Reads `inputs`, `env` and `run`; what `facts` says of the variables themselves is not looked at.
pub fn evaluate_variables(definition: &Definition, facts: &RunFacts) -> Result<Value, EvaluationError> {
    match &definition.variables {
        Template::Literal(variables) => Ok(variables.clone()),
        template => {
            let scope = Scope::new()
                .with("inputs", &facts.inputs)
                .with("env", &facts.env)
                .with_value("run", run_value(Arc::new(facts.clone())))
                .at(&facts.created_at, key(facts, ""));
            template.render(&scope)
        }
    }
}
