//! Documents that people read: the examples of this repository and of the pages of `explain`; and the same, a little
//! changed.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::path::{Path, PathBuf};

use onward_workflows::{Format, Source, check, topics};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::checking::catalog;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What a text says, with comments on lines of their own in JSON.
fn read(text: &str, is_yaml: bool) -> Option<Value> {
    if is_yaml {
        return serde_saphyr::from_str(text).ok();
    }
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).ok()
}

/// The documents of a folder that can be read, by their file names.
pub fn documents_in(name: &str) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = std::fs::read_dir(folder(name))
        .expect("read a folder")
        .filter_map(|entry| {
            let file = entry.expect("read an entry").path();
            // Folders, and the test files beside the documents.
            if !file.is_file() || file.to_string_lossy().contains(".test.") {
                return None;
            }
            let text = std::fs::read_to_string(&file).expect("read a document");
            let name = file.file_name()?.to_str()?.to_owned();
            let value = read(&text, file.extension().is_some_and(|ending| ending != "json"))?;
            Some((name, value))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// The examples of the pages of `explain`, as documents.
pub fn explained() -> Vec<Value> {
    let pages = topics(&catalog()).into_iter().flat_map(|group| group.pages);
    let blocks = pages.flat_map(|page| {
        let parts = page.text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
        let example = |part: &String| part.starts_with("    - ") || part.starts_with("    version: ");
        parts.into_iter().filter(example).collect::<Vec<_>>()
    });
    let documents = blocks.filter_map(|block| {
        let text = block.lines().map(|line| line.get(4..).unwrap_or_default()).collect::<Vec<_>>().join("\n");
        let text = if text.starts_with("- ") { format!("version: 1\nname: a\nsteps:\n{text}") } else { text };
        read(&text, true)
    });
    documents.collect()
}

/// Fields without an effect (W102, W202) are not looked into by the checker; an editor may say what is wrong in them.
pub fn is_accepted(document: &Value) -> bool {
    let text = document.to_string();
    let checked = check(&Source::new("w.json", text, Format::Json), &catalog());
    checked.is_valid() && checked.diagnostics.iter().all(|found| !matches!(found.code, "W102" | "W202"))
}

/// The pointers of all values inside a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(at.clone());
                pointers(value, &at, found);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                let at = format!("{at}/{place}");
                found.push(at.clone());
                pointers(value, &at, found);
            }
        }
        _ => {}
    }
}

/// Values that mean something in one place or another.
fn pool() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(2.5),
        json!(-1),
        json!(100_000),
        json!(""),
        json!(" "),
        json!("a"),
        json!("5m"),
        json!(" 1h30m "),
        json!("5 m"),
        json!("a-b_C.d/e"),
        json!("{{ 1 }}"),
        json!("{{ inputs.who }} {{ run.id }}"),
        json!("normal"),
        json!("result"),
        json!("skip"),
        json!("continue"),
        json!("HTTP://a"),
        json!("{{ secrets.A }}"),
        json!("@daily"),
        json!("2030-01-31T09:00:00Z"),
        json!([]),
        json!(["a"]),
        json!(["POST"]),
        json!({}),
        json!({ "limit": 2 }),
        json!({ "limit": 2, "per": "1s", "key": "{{ inputs.who }}" }),
        json!({ "max": 2, "delay": 1, "if": true }),
        json!({ "ttl": "1h" }),
        json!({ "in": [1], "as": "it" }),
        json!([{ "id": "zz", "type": "fail" }]),
        json!([{ "steps": [{ "id": "zz", "type": "value", "config": null }] }]),
        json!({ "type": "log", "config": { "message": 1 } }),
        json!({ "status": 204, "headers": { "a": "b" } }),
    ]
}

/// A right document, and the same with one value changed, or a field more.
pub fn changed() -> impl Strategy<Value = (Value, Value)> {
    const FIELDS: [&str; 24] = [
        "id",
        "name",
        "if",
        "needs",
        "foreach",
        "retry",
        "retries",
        "timeout",
        "expect",
        "output",
        "cache",
        "idempotency_key",
        "concurrency",
        "rate_limit",
        "queue",
        "priority",
        "on_error",
        "finally",
        "compensate",
        "config",
        "x-a",
        "defaults",
        "enabled",
        "inputs",
    ];
    let mut sources = explained();
    sources.extend(documents_in("../examples").into_iter().map(|(_, document)| document));
    sources.retain(is_accepted);
    let field = prop::option::of(prop::sample::select(FIELDS.to_vec()));
    let change = (any::<prop::sample::Index>(), prop::sample::select(pool()), field, any::<bool>());
    (prop::sample::select(sources), change).prop_map(|(original, (at, value, field, versioned))| {
        let mut document = original.clone();
        let mut places = vec![String::new()];
        pointers(&document, "", &mut places);
        let target = document.pointer_mut(at.get(&places).as_str()).expect("the place is there");
        match (field, target.as_object_mut()) {
            (Some(field), Some(fields)) => {
                fields.insert(field.to_owned(), value);
            }
            _ => *target = value,
        }
        if let (Some(document), false) = (document.as_object_mut(), versioned) {
            document.remove("version");
        }
        (original, document)
    })
}
