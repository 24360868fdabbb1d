//! A document means the same in both formats.

#[path = "kit/checking.rs"]
mod checking;
#[path = "kit/documents.rs"]
mod documents;

use std::fmt::Write as _;

use checking::{catalog, without_positions};
use documents::document;
use onward_workflows::{Format, Source, check};
use proptest::prelude::*;
use serde_json::Value;

/// A block map or list, strings in whichever quoting fits.
fn yaml(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                write!(out, "\n{margin}{}:", Value::String(key.clone())).expect("strings take everything");
                yaml(value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                write!(out, "\n{margin}-").expect("strings take everything");
                yaml(item, indent + 2, out);
            }
        }
        Value::String(text) => write!(out, " {}", scalar(text, indent)).expect("strings take everything"),
        other => write!(out, " {other}").expect("strings take everything"),
    }
}

fn scalar(text: &str, indent: usize) -> String {
    let is_printable = text.chars().all(|letter| !letter.is_control() && letter != '\u{feff}');
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_word && !matches!(text, "true" | "false" | "null") {
        return text.to_owned();
    }
    if is_printable && !text.is_empty() && !text.starts_with(' ') && text.len().is_multiple_of(3) {
        return format!("|-\n{}{text}", " ".repeat(indent));
    }
    if is_printable && text.len() % 3 == 1 {
        return format!("'{}'", text.replace('\'', "''"));
    }
    Value::String(text.to_owned()).to_string()
}

/// The definition and what was found, without positions.
fn shape(text: &str, format: Format) -> String {
    let file = format!("w.{}", format.as_str());
    let checked = check(&Source::new(file, text, format), &catalog());
    let mut problems: Vec<(&str, &str, &str)> =
        checked.diagnostics.iter().map(|found| (found.code, found.message.as_str(), found.path.as_str())).collect();
    problems.sort_unstable();
    format!("{}\n{problems:?}", without_positions(&checked))
}

proptest! {
    #[test]
    fn json_and_yaml_give_the_same_definition(document in document()) {
        let as_json = serde_json::to_string_pretty(&document).expect("a tree of values prints");
        let mut as_yaml = String::new();
        yaml(&document, 0, &mut as_yaml);
        prop_assert_eq!(shape(&as_json, Format::Json), shape(&as_yaml, Format::Yaml), "{}", as_yaml);
    }

    /// Whatever the bytes are, there is an answer, and every position is inside the text.
    #[test]
    fn any_text_gets_an_answer(text in "[\\PC\n\t{}\\[\\]:,\"'#&*!|>-]{0,120}", is_yaml in any::<bool>()) {
        let format = if is_yaml { Format::Yaml } else { Format::Json };
        let source = Source::new("w", text, format);
        let checked = check(&source, &catalog());
        prop_assert!(checked.definition.is_some() || !checked.diagnostics.is_empty());
        for found in &checked.diagnostics {
            prop_assert!(found.range.start <= found.range.end);
            prop_assert!(found.range.end.offset as usize <= source.text.len());
        }
        onward_workflows::render(&checked.diagnostics, &source, onward_workflows::Style::default());
    }

    /// A right document with one character changed is the most common wrong one.
    #[test]
    fn a_document_with_one_changed_character_gets_an_answer(at in any::<prop::sample::Index>(), letter in "[\\PC\n{}\"':,]", is_yaml in any::<bool>()) {
        let (text, format) = if is_yaml {
            (include_str!("valid/old-flat.yaml"), Format::Yaml)
        } else {
            (include_str!("valid/old-flat.json"), Format::Json)
        };
        let place = at.index(text.chars().count());
        let changed: String = text.chars().enumerate().map(|(n, old)| if n == place { letter.clone() } else { old.to_string() }).collect();
        let source = Source::new("w", changed, format);
        let checked = check(&source, &catalog());
        prop_assert!(checked.definition.is_some() || !checked.diagnostics.is_empty());
        onward_workflows::render(&checked.diagnostics, &source, onward_workflows::Style::default());
    }
}
