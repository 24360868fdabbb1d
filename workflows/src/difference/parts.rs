//! A document taken apart: its own fields, its triggers, and all its steps wherever they stand.

use serde_json::{Map, Value};

use super::values::normal;

/// Lists of steps in the document.
const LISTS: [&str; 3] = ["steps", "on_error", "finally"];
/// Lists of steps in a step; `switch` has some too.
const INNER_LISTS: [&str; 4] = ["steps", "on_error", "finally", "compensate"];

pub(super) struct Parts {
    pub fields: Value,
    pub triggers: Vec<Placed>,
    pub steps: Vec<Placed>,
}

/// A step or a trigger, without the steps inside it.
pub(super) struct Placed {
    pub id: String,
    pub fields: Value,
    /// The list it stands in; empty for triggers.
    pub list: String,
}

impl Parts {
    pub fn of(document: Value) -> Self {
        let mut document = unwrapped(document);
        let mut steps = Vec::new();
        for list in LISTS {
            if let Some(Value::Array(items)) = document.remove(list) {
                let title = if list == "steps" { "the document".to_owned() } else { format!("`{list}`") };
                take_steps(items, &title, &mut steps);
            }
        }
        let triggers = match document.remove("triggers") {
            Some(Value::Array(items)) => triggers(items),
            _ => Vec::new(),
        };
        document.remove("$schema");
        // Switching the strict checks on changes nothing that runs.
        document.remove("version");
        Self { fields: normal(Value::Object(document)), triggers, steps }
    }
}

impl Placed {
    /// A few words about a part that is new or gone.
    pub fn describe(&self) -> String {
        let what = match (self.fields.get("type").and_then(Value::as_str), self.fields.get("switch")) {
            (Some(name), _) => name,
            (None, Some(_)) => "switch",
            (None, None) => "block",
        };
        let detail = match what {
            "cron" => self.fields.get("schedule"),
            "webhook" => self.fields.get("endpoint"),
            "event" => self.fields.get("event"),
            _ => None,
        };
        let detail = detail.and_then(Value::as_str).filter(|_| self.list.is_empty());
        match (detail, self.list.as_str()) {
            (Some(detail), _) => format!("{what} {detail}"),
            (None, "" | "the document") => what.to_owned(),
            (None, list) => format!("{what} in {list}"),
        }
    }
}

/// The fields in one place, whatever the document's shape.
fn unwrapped(document: Value) -> Map<String, Value> {
    let Value::Object(mut fields) = document else { return Map::new() };
    if let Some(Value::Object(inner)) = fields.get("schema").cloned()
        && (inner.contains_key("steps") || inner.contains_key("triggers"))
    {
        fields.remove("schema");
        fields.extend(inner);
    }
    fields
}

fn take_steps(items: Vec<Value>, list: &str, found: &mut Vec<Placed>) {
    for (place, item) in items.into_iter().enumerate() {
        let Value::Object(mut fields) = item else { continue };
        let id = match fields.remove("id") {
            Some(Value::String(id)) => id,
            _ => format!("#{}", place + 1),
        };
        let mut inner = Vec::new();
        for field in INNER_LISTS {
            // An empty list means something too: an error that is handled by doing nothing.
            if fields.get(field).and_then(Value::as_array).is_some_and(|items| !items.is_empty())
                && let Some(Value::Array(items)) = fields.remove(field)
            {
                let title = if field == "steps" { format!("`{id}`") } else { format!("`{id}.{field}`") };
                inner.push((title, items));
            }
        }
        for (place, arm) in fields.get_mut("switch").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            if let Some(Value::Array(items)) = arm.as_object_mut().and_then(|arm| arm.remove("steps")) {
                inner.push((format!("`{id}.switch[{place}]`"), items));
            }
        }
        found.push(Placed { id, fields: normal(Value::Object(fields)), list: list.to_owned() });
        for (title, items) in inner {
            take_steps(items, &title, found);
        }
    }
}

/// Numbered as the checker does it; what is in `config` counts as the trigger's own.
fn triggers(items: Vec<Value>) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    for item in items {
        let Value::Object(mut fields) = item else { continue };
        let base = fields.get("type").and_then(Value::as_str).unwrap_or("trigger").to_owned();
        let id = match fields.remove("id") {
            Some(Value::String(id)) => id,
            _ => free_id(&base, &found),
        };
        if let Some(Value::Object(config)) = fields.remove("config") {
            fields.extend(config);
        }
        for old in ["key", "path"] {
            if base == "webhook"
                && let Some(endpoint) = fields.remove(old)
            {
                fields.entry("endpoint").or_insert(endpoint);
            }
        }
        found.push(Placed { id, fields: normal(Value::Object(fields)), list: String::new() });
    }
    found
}

fn free_id(base: &str, taken: &[Placed]) -> String {
    let is_free = |id: &String| taken.iter().all(|other| other.id != *id);
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| base.to_owned())
}
