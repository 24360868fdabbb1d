//! What a run receives, checked against what its document declares, before the run exists.

use std::collections::BTreeMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::suggest::{closest, listed};
use crate::{Definition, Input};

/// Problems that one check lists.
const PROBLEMS_MAX: usize = 20;
/// Bytes that a pattern of a schema may take when it is compiled.
const PATTERN_MAX: usize = 256 << 10;

/// One thing that is wrong with the inputs of a start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputProblem {
    /// JSON Pointer into the inputs; empty for the whole.
    pub pointer: String,
    pub message: String,
}

/// The inputs of one definition with their schemas compiled: make it once, check many starts.
#[derive(Debug)]
pub struct InputCheck {
    declared: BTreeMap<String, Declared>,
}

#[derive(Debug)]
struct Declared {
    default: Option<Value>,
    /// What makes the schema unusable, where it is: then no value fits.
    validator: Result<Validator, String>,
}

impl InputCheck {
    pub fn new(definition: &Definition) -> Self {
        let declared = definition.inputs.iter().map(|(name, Input { schema, default })| {
            let validator = compile_schema(schema).map_err(|error| error.to_string());
            (name.clone(), Declared { default: default.clone(), validator })
        });
        Self { declared: declared.collect() }
    }

    /// The inputs with defaults filled in. A document that declares none takes whatever comes.
    pub fn check(&self, given: Value) -> Result<Value, Vec<InputProblem>> {
        if self.declared.is_empty() {
            return Ok(given);
        }
        let mut inputs = match given {
            Value::Object(inputs) => inputs,
            Value::Null => Map::new(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                let message = "the inputs are an object, from names to values".to_owned();
                return Err(vec![InputProblem { pointer: String::new(), message }]);
            }
        };
        let mut problems: Vec<InputProblem> = inputs.keys().filter_map(|name| self.undeclared(name)).collect();
        for (name, declared) in &self.declared {
            match (inputs.get(name), &declared.default) {
                (Some(value), _) => declared.check(name, value, &mut problems),
                (None, Some(default)) => {
                    inputs.insert(name.clone(), default.clone());
                }
                (None, None) => {
                    let message = format!("the input `{name}` is missing");
                    problems.push(InputProblem { pointer: pointer(name, ""), message });
                }
            }
        }
        problems.truncate(PROBLEMS_MAX);
        if problems.is_empty() { Ok(Value::Object(inputs)) } else { Err(problems) }
    }

    fn undeclared(&self, name: &str) -> Option<InputProblem> {
        if self.declared.contains_key(name) {
            return None;
        }
        let names = || self.declared.keys().map(String::as_str);
        let message = match closest(name, names()) {
            Some(near) => format!("there is no input `{name}`; did you mean `{near}`?"),
            None => format!("there is no input `{name}`; there are {}", listed(names())),
        };
        Some(InputProblem { pointer: pointer(name, ""), message })
    }
}

impl Declared {
    fn check(&self, name: &str, value: &Value, problems: &mut Vec<InputProblem>) {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(error) => {
                let message = format!("the schema of `{name}` cannot be used: {error}");
                problems.push(InputProblem { pointer: pointer(name, ""), message });
                return;
            }
        };
        // Values stay out of the messages: they may be large, and they may be personal.
        problems.extend(validator.iter_errors(value).take(PROBLEMS_MAX).map(|error| {
            let inside = error.instance_path().as_str();
            let place = inside.strip_prefix('/').map_or(name.to_owned(), |inside| format!("{name}/{inside}"));
            InputProblem {
                pointer: pointer(name, inside),
                message: format!("{}", error.masked_with(format!("`{place}`"))),
            }
        }));
    }
}

/// Checks one start of a definition; whoever checks more than one keeps an [`InputCheck`].
pub fn check_inputs(definition: &Definition, given: Value) -> Result<Value, Vec<InputProblem>> {
    InputCheck::new(definition).check(given)
}

/// A schema comes from a document: nothing is fetched for it, and its patterns run in linear time.
pub(crate) fn compile_schema(schema: &Value) -> Result<Validator, jsonschema::ValidationError<'static>> {
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_MAX))
        .should_validate_formats(true)
        .build(schema)
}

fn pointer(name: &str, inside: &str) -> String {
    format!("/{}{inside}", name.replace('~', "~0").replace('/', "~1"))
}
