//! The documents in `invalid/`: the text and the JSON that an author gets for each.

#[path = "kit/checking.rs"]
mod checking;

use std::fmt::Write as _;

use onward_workflows::{Source, Style, check, render};

fn report(file: &str, text: &str) -> String {
    let source = Source::from_file(file, text);
    let checked = check(&source, &checking::catalog());
    assert!(checked.definition.is_none(), "{file} has to be refused");
    let mut report = render(&checked.diagnostics, &source, Style::default());
    for diagnostic in &checked.diagnostics {
        let json = serde_json::to_string(diagnostic).expect("a diagnostic is plain data");
        write!(report, "\n{json}").expect("strings take everything");
    }
    report
}

macro_rules! invalid {
    ($($name:ident: $file:literal),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(report($file, include_str!(concat!("invalid/", $file))));
            }
        )*
    };
}

invalid! {
    a_misspelt_field: "01-typo.json",
    the_right_field_in_the_wrong_place: "02-misplaced.json",
    an_unknown_step_type: "03-type.yaml",
    a_duration_without_a_unit: "04-unit.json",
    a_missing_comma: "05-comma.json",
    braces_without_quotes: "06-braces.yaml",
    a_reference_to_a_step_that_does_not_exist: "07-ref.yaml",
    a_reference_to_a_step_that_may_still_run: "08-race.json",
    a_loop_that_is_read_from_outside: "09-loop.yaml",
    a_condition_that_is_text: "10-condition.json",
    a_schedule_and_a_zone: "11-cron.json",
    steps_that_wait_for_each_other: "12-cycle.yaml",
    many_mistakes_in_one_document: "13-more.json",
}

/// Nothing but the place of the caret may depend on what else stands on the line.
#[test]
fn a_long_line_is_cut_around_the_caret() {
    let padding = "x".repeat(400);
    let text = format!(
        "{{\"name\": \"a\", \"version\": 1, \"description\": \"{padding}\", \"stepz\": 1, \"labels\": {{\"a\": \"{padding}\"}}, \
         \"steps\": [{{\"id\": \"a\", \"type\": \"return\"}}]}}"
    );
    let source = Source::from_file("long.json", text);
    let checked = check(&source, &checking::catalog());
    let shown = render(&checked.diagnostics, &source, Style { color: false, width: 80 });
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains("\"stepz\"") && shown.contains("^^^^^^^ did you mean `steps`?"), "{shown}");
    assert!(shown.contains("long.json:1:448"), "{shown}");
}

#[test]
fn colour_changes_no_word() {
    let text = include_str!("invalid/08-race.json");
    let source = Source::from_file("08-race.json", text);
    let checked = check(&source, &checking::catalog());
    let plain = render(&checked.diagnostics, &source, Style::default());
    let colored = render(&checked.diagnostics, &source, Style { color: true, ..Style::default() });
    assert_ne!(plain, colored);
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some((text, code)) = rest.split_once('\u{1b}') {
        stripped.push_str(text);
        rest = code.split_once('m').map_or("", |(_, after)| after);
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn at_most_twenty_are_shown_and_the_rest_is_counted() {
    let fields: String = (0..30).map(|number| format!("strange{number}: 1\n")).collect::<Vec<_>>().concat();
    let text = format!("{fields}version: 1\nname: a\nsteps: [{{ id: a, type: return }}]\n");
    let checked = check(&Source::from_file("many.yaml", text), &checking::catalog());
    assert_eq!((checked.diagnostics.len(), checked.omitted), (20, 10));
    assert!(checked.diagnostics.is_sorted_by_key(|diagnostic| diagnostic.range.start));
}

#[test]
fn warnings_do_not_hide_the_error() {
    let fields: String = (0..30).map(|number| format!("strange{number}: 1\n")).collect::<Vec<_>>().concat();
    let text = format!("{fields}name: a\nsteps: [{{ id: a, type: retunr }}]\n");
    let checked = check(&Source::from_file("many.yaml", text), &checking::catalog());
    assert!(checked.definition.is_none());
    assert!(checked.diagnostics.iter().any(|diagnostic| diagnostic.code == "E114"));
}
