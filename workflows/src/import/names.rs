//! `{{ applicant.name }}` in full: where the name is looked up.

use std::collections::BTreeMap;

use serde_json::Value;

use super::notes::Notes;
use super::ordered::Ordered;

/// What `trigger` has, whatever has fired.
const TRIGGER_PARTS: [&str; 11] =
    ["type", "id", "time", "body", "headers", "query", "method", "ip", "scheduled_at", "event", "user"];

/// How an input is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Object,
    List,
    Anything,
}

pub(super) struct Names {
    variables: Vec<String>,
    /// Whether names of the request's body become inputs, so that a run can also be started by hand.
    as_inputs: bool,
    body: BTreeMap<String, Use>,
    has_whole: bool,
}

impl Names {
    pub fn new(variables: Vec<String>, as_inputs: bool) -> Self {
        Self { variables, as_inputs, body: BTreeMap::new(), has_whole: false }
    }

    /// The same value with full names in every hole.
    pub fn rewrite(&mut self, value: Ordered, about: &str, notes: &mut Notes) -> Ordered {
        match value {
            Ordered::Scalar(Value::String(text)) => self.text(&text, about, notes).into(),
            Ordered::List(items) => {
                Ordered::List(items.into_iter().map(|item| self.rewrite(item, about, notes)).collect())
            }
            Ordered::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key, self.rewrite(value, about, notes)));
                Ordered::Map(entries.collect())
            }
            scalar @ Ordered::Scalar(_) => scalar,
        }
    }

    fn text(&mut self, text: &str, about: &str, notes: &mut Notes) -> String {
        let mut new = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{")
            && let Some((hole, after)) = after.split_once("}}")
        {
            let is_whole = before.is_empty() && new.is_empty() && after.is_empty();
            let read = if let Some(segments) = path(hole) {
                self.has_whole |= is_whole;
                format!(" {} ", self.full(&segments, about, notes))
            } else {
                let text = format!(
                    "`{{{{{hole}}}}}` is no path: before, it stayed in the text. It is read as an expression now"
                );
                notes.add(about, text);
                hole.to_owned()
            };
            new.extend([before, "{{", &read, "}}"]);
            rest = after;
        }
        new + rest
    }

    fn full(&mut self, segments: &[&str], about: &str, notes: &mut Notes) -> String {
        let [first, others @ ..] = segments else { return String::new() };
        let tail: String = others.iter().map(|segment| step_into(segment)).collect();
        match *first {
            "workflowId" => format!("workflow.id{tail}"),
            "webhook" => format!("trigger.body{tail}"),
            "variables" => format!("variables{tail}"),
            "trigger" => {
                if let Some(part) = others.first().filter(|part| !TRIGGER_PARTS.contains(part)) {
                    notes.add(about, format!("`trigger.{part}` does not exist any more"));
                }
                format!("trigger{tail}")
            }
            name if self.variables.iter().any(|variable| variable == name) => {
                format!("variables{}{tail}", step_into(name))
            }
            name if self.as_inputs && is_name(name) => {
                self.note_use(name, others.first().copied());
                format!("inputs.{name}{tail}")
            }
            name => {
                self.note_use(name, others.first().copied());
                format!("trigger.body{}{tail}", step_into(name))
            }
        }
    }

    fn note_use(&mut self, name: &str, next: Option<&str>) {
        let used = match next {
            None => Use::Anything,
            Some(next) if next.bytes().all(|byte| byte.is_ascii_digit()) => Use::List,
            Some(_) => Use::Object,
        };
        let known = self.body.entry(name.to_owned()).or_insert(used);
        if *known != used {
            *known = Use::Anything;
        }
    }

    /// A schema for each name that became an input.
    pub fn inputs(&self) -> Ordered {
        let mut inputs = Ordered::default();
        for (name, used) in self.body.iter().filter(|(name, _)| self.as_inputs && is_name(name)) {
            let mut schema = Ordered::default();
            match used {
                Use::Object => schema.put("type", "object".into()),
                Use::List => schema.put("type", "array".into()),
                Use::Anything => {}
            }
            inputs.put(name, schema);
        }
        inputs
    }

    pub fn note(&self, is_by_time: bool, notes: &mut Notes) {
        if !self.body.is_empty() {
            let names: Vec<String> = self.body.keys().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            notes.add("templates", "a path that does not exist fails its step; before, the braces stayed in the text");
            if self.as_inputs {
                notes.add(
                    "inputs",
                    format!("a request without {names} is refused with 422 now. What may be missing needs a `default`"),
                );
            }
            if is_by_time {
                notes.add(
                    "templates",
                    format!(
                        "{names} come with a request; a run that a schedule starts has no request, and would fail there"
                    ),
                );
            }
        }
        if self.has_whole {
            notes.add("templates", "a value that is only one `{{ }}` keeps its JSON type; before, it became text");
        }
    }
}

/// The parts of a dotted path, if it is one.
fn path(hole: &str) -> Option<Vec<&str>> {
    let segments: Vec<&str> = hole.trim().split('.').collect();
    let is_word = |segment: &&str| {
        !segment.is_empty()
            && segment.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$'))
    };
    (segments.iter().all(is_word) && !segments[0].starts_with(|first: char| first.is_ascii_digit())).then_some(segments)
}

fn is_name(segment: &str) -> bool {
    // What the language itself says with these words would be read instead.
    const WORDS: [&str; 10] = ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none"];
    segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !segment.starts_with(|first: char| first.is_ascii_digit())
        && !WORDS.contains(&segment)
}

fn step_into(segment: &str) -> String {
    let is_number = segment.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || is_name(segment) { format!(".{segment}") } else { format!("['{segment}']") }
}
