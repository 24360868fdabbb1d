//! What each fuzz target does with its bytes. `workflows/tests/fuzz_seeds.rs` calls the same functions on a stable
//! toolchain, so that they cannot rot.

use chrono::{DateTime, Utc};
use onward_workflows::{
    Catalog, Checked, DocumentTemplate, Expression, Format, Schedule, Scope, Source, Style, check, format, render,
};
use serde_json::{Value, json};

/// Bytes that are looked at: what grows with the text would hide what does not.
const BYTES_MAX: usize = 16 << 10;
const TIMES: usize = 20;

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| text.len() <= BYTES_MAX)
}

/// The text that `range` is about; it must be whole characters of `text`.
fn part(text: &str, range: std::ops::Range<usize>) -> &str {
    text.get(range.clone()).unwrap_or_else(|| panic!("{range:?} is no part of {text:?}"))
}

/// Checks never fail, and what they say can be shown.
fn checked(source: &Source) -> Checked {
    let checked = check(source, &Catalog::new([]));
    for diagnostic in &checked.diagnostics {
        let (start, end) = (diagnostic.range.start.offset as usize, diagnostic.range.end.offset as usize);
        part(&source.text, start..end);
    }
    render(&checked.diagnostics, source, Style::default());
    checked
}

/// A document that is laid out says what it said before, and is laid out as it is.
pub fn document_json(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let source = Source::new("document.json", text, Format::Json);
    let before = checked(&source);
    let Ok(page) = format(&source) else { return };
    let laid_out = Source::new("document.json", page, Format::Json);
    let after = checked(&laid_out);
    let said = |checked: &Checked| checked.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>();
    assert_eq!((said(&before), before.omitted), (said(&after), after.omitted), "{text}\n{}", laid_out.text);
    let meaning =
        |checked: &Checked| checked.definition.as_ref().map(|definition| without_places(&format!("{definition:?}")));
    assert_eq!(meaning(&before), meaning(&after), "{text}\n{}", laid_out.text);
    assert_eq!(format(&laid_out).as_ref(), Ok(&laid_out.text), "{text}");
}

pub fn document_yaml(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    checked(&Source::new("document.yaml", text, Format::Yaml));
}

/// ` at 3:14` behind each expression.
fn without_places(definition: &str) -> String {
    let mut parts = definition.split(" at ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ':'));
    }
    text
}

fn data() -> Value {
    json!({
        "inputs": { "name": "Noa", "n": 3, "half": 0.5, "yes": true, "none": null, "rows": [{ "id": 1 }, { "id": 2 }] },
        "steps": { "fetch": { "output": { "Phone number": "052-000 0000", "at": "2026-03-01T08:00:00Z" } } },
        "item": "שלום",
    })
}

/// A value, or an error that stands in the source.
pub fn expression(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Expression::compile(text, 1, 1) {
        Err(error) => {
            part(text, error.range);
        }
        Ok(expression) => {
            for (_, range) in expression.references() {
                part(text, range);
            }
            let data = data();
            let roots = data.as_object().expect("a map");
            let scope = roots.iter().fold(Scope::new(), |scope, (name, value)| scope.with(name, value));
            let again = (expression.evaluate(&scope), expression.test(&scope));
            assert_eq!((expression.evaluate(&scope), expression.test(&scope)), again, "{text}");
            if let Err(error) = again.0 {
                assert!((error.line, error.column) <= (error.end_line, error.end_column), "{text}: {error:?}");
            }
        }
    }
}

pub fn document_template(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match DocumentTemplate::compile(text) {
        Err(error) => {
            part(text, error.range);
        }
        Ok(template) => {
            let data = data();
            let rendered = template.render(&data);
            assert_eq!(template.render(&data), rendered, "{text}");
            // For its effect only: there is more that can be printed.
            let _ = template.as_text().render(&data["inputs"]);
        }
    }
}

/// The schedule, and on a second line its zone. Its times rise.
pub fn cron(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (schedule, zone) = text.split_once('\n').unwrap_or((text, "UTC"));
    let Ok(schedule) = Schedule::parse(schedule, zone) else { return };
    let mut at: DateTime<Utc> = "2026-03-01T08:00:00.5Z".parse().expect("an instant");
    for _ in 0..TIMES {
        let Some(next) = schedule.next_after(at) else { return };
        assert!(next > at, "{text}: {next} follows {at}");
        at = next;
    }
}
