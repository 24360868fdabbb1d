//! Steps, blocks and maps that are made to hurt: each has to end quickly, with an answer.

#[path = "kit/checking.rs"]
mod checking;

use std::time::{Duration, Instant};

use checking::catalog;
use onward_workflows::{Checked, Source, check as check_source, inputs_by_workflow};

/// What an optimised build has; an unoptimised one on a busy machine takes longer.
const BOUND: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 100 });

/// The first error has this code; an empty one stands for a valid document. Other work on the machine can make one try
/// slow, not three.
fn check(file: &str, text: &str, expected: &str) -> Checked {
    let source = Source::from_file(file, text);
    let catalog = catalog();
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let checked = check_source(&source, &catalog);
        fastest = fastest.min(start.elapsed());
        let code = checked.diagnostics.iter().find(|found| found.code.starts_with('E')).map_or("", |found| found.code);
        assert_eq!(code, expected, "{:?}", checked.diagnostics.first());
        if fastest < BOUND {
            return checked;
        }
    }
    panic!("{file}: {fastest:?}");
}

fn document(fields: &str, steps: &str) -> String {
    format!(r#"{{"version":1,"name":"a",{fields}"steps":[{steps}]}}"#)
}

/// `make` for each number, with commas between.
fn each(count: usize, make: impl Fn(usize) -> String) -> String {
    (0..count).map(make).collect::<Vec<_>>().join(",")
}

fn value(id: usize, config: &str) -> String {
    format!(r#"{{"id":"s{id}","type":"value","config":"{config}"}}"#)
}

#[test]
fn blocks_inside_blocks_end_with_an_error() {
    let nested = |levels: usize, open: &str, close: &str| {
        let opened: Vec<String> = (0..levels).map(|level| open.replace('#', &level.to_string())).collect();
        document("", &format!("{}{}{}", opened.concat(), value(1000, ""), close.repeat(levels)))
    };
    check("w.json", &nested(9, r#"{"id":"b#","steps":["#, "]}"), "E115");
    check("w.json", &nested(30, r#"{"id":"b#","steps":["#, "]}"), "E115");
    check("w.json", &nested(5000, r#"{"id":"b#","steps":["#, "]}"), "E004");
    check("w.json", &nested(14, r#"{"id":"b#","switch":[{"steps":["#, "]}]}"), "E115");
    check("w.json", &nested(30, r#"{"id":"b#","type":"value","on_error":["#, "]}"), "E115");
    check("w.json", &nested(30, r#"{"id":"b#","type":"value","compensate":["#, "]}"), "E129");
    check("w.json", &nested(30, r#"{"id":"b#","foreach":[1],"steps":["#, "]}"), "E115");
}

#[test]
fn five_hundred_steps_that_read_each_other_are_checked() {
    let all_above = |id: usize| {
        let from = id.saturating_sub(9);
        (from..id).map(|above| format!("{{{{ steps.s{above}.output }}}}")).collect::<Vec<_>>().concat()
    };
    let list = |from: usize, count: usize| each(count, |id| value(from + id, &all_above(from + id)));
    let block = |id: usize, parallel: &str, steps: &str| format!(r#"{{"id":"b{id}",{parallel}"steps":[{steps}]}}"#);
    let blocks: Vec<String> = (0..4).map(|place| block(place, "", &list(place * 124, 124))).collect();
    check("w.json", &document("", &blocks.join(",")), "");
    let parallel: Vec<String> =
        (0..4).map(|place| block(place, r#""parallel":true,"#, &list(place * 124, 124))).collect();
    let checked = check("w.json", &document("", &parallel.join(",")), "E111");
    assert!(checked.omitted > 1000);
    check("w.json", &document("", &each(60_000 / 23, |id| value(id, ""))), "E115");
}

#[test]
fn needs_of_long_lists_are_resolved() {
    let step = |id: usize| {
        let needs = each(id, |above| format!("\"s{above}\""));
        format!(r#"{{"id":"s{id}","type":"value","needs":[{needs}]}}"#)
    };
    check("w.json", &document("", &each(190, step)), "");
}

#[test]
fn maps_of_ten_thousand_keys_are_checked() {
    let keys = |value: &str| each(10_000, |key| format!(r#""k{key}":{value}"#));
    let step = |fields: &str| document("", &format!(r#"{{"id":"a","type":"value",{fields}}}"#));
    check("w.json", &step(&format!(r#""config":{{{}}}"#, keys("1"))), "");
    check("w.json", &step(&format!(r#""config":{{{}}}"#, keys(r#""{{x}}""#))), "E124");
    check("w.json", &step(&format!(r#""config":{{{}}}"#, keys(r#""{{1}}""#))), "E115");
    check("w.json", &step(&format!(r#""config":1,{}"#, keys("1"))), "E101");
    for field in ["foreach", "compensate", "concurrency", "rate_limit", "cache"] {
        let text = step(&format!(r#""{field}":{{{}}}"#, keys("1")));
        assert!(!check_source(&Source::from_file("w.json", text), &catalog()).is_valid(), "{field}");
    }
    for field in ["labels", "defaults", "inputs", "concurrency"] {
        let text = document(&format!(r#""{field}":{{{}}},"#, keys("1")), &value(1, ""));
        assert!(!check_source(&Source::from_file("w.json", text), &catalog()).is_valid(), "{field}");
    }
    let trigger = format!(r#""triggers":[{{"type":"webhook","inputs":{{{}}}}}],"#, keys("1"));
    check("w.json", &document(&trigger, &value(1, "")), "E108");
    let variables = format!(r#""variables":{{{}}},"#, each(5000, |key| format!(r#""k{key}":1"#)));
    check("w.json", &document(&variables, &each(190, |id| value(id, "{{ variables.k }}{{ variables.kk }}"))), "E108");
}

#[test]
fn long_lists_of_names_are_cut() {
    let names = each(10_000, |name| format!("\"S{name}\""));
    check("w.json", &document(&format!(r#""secrets":[{names}],"#), &value(1, "")), "E115");
    check("w.json", &document("", &format!(r#"{{"id":"a","type":"value","foreach":[{names}]}}"#)), "");
    let event = format!(r#"{{"id":"a","type":"wait_for_event","timeout":1,"config":{{"event":[{names}]}}}}"#);
    check("w.json", &document("", &event), "");
    check(
        "w.json",
        &document("", &format!(r#"{{"id":"a","switch":[{}]}}"#, each(10_000, |_| r#"{"steps":[]}"#.to_owned()))),
        "E129",
    );
    let arms = each(3000, |id| format!(r#"{{"if":true,"steps":[{}]}}"#, value(id, "")));
    check("w.json", &document("", &format!(r#"{{"id":"a","switch":[{arms}]}}"#)), "E115");
}

#[test]
fn aliases_in_steps_end_with_an_answer() {
    let head = "version: 1\nname: a\n";
    for steps in [
        "steps: &all [{ id: a, steps: *all }]\n",
        "steps:\n- &step { id: a, steps: [*step] }\n",
        "steps:\n- &step\n  id: a\n  on_error: [*step]\n",
    ] {
        let checked = check_source(&Source::from_file("w.yaml", format!("{head}{steps}")), &catalog());
        assert!(!checked.is_valid(), "{steps}");
    }
    let mut laughs = "x-0: &l0 [{ id: a, type: value }]\n".to_owned();
    for level in 1..9 {
        let inner = vec![format!("{{ id: b{level}, steps: *l{} }}", level - 1); 9].join(", ");
        laughs.push_str(&["x-", &level.to_string(), ": &l", &level.to_string(), " [", &inner, "]\n"].concat());
    }
    check("w.yaml", &format!("{head}{laughs}steps: *l8\n"), "E004");
    let some = laughs.lines().take(4).collect::<Vec<_>>().join("\n");
    check("w.yaml", &format!("{head}{some}\nsteps: *l3\n"), "E104");
}

#[test]
fn texts_full_of_beginnings_of_tokens_are_searched_once() {
    for text in ["pat ", "eyJ", "eyJ ", "Bearer ", "Bearer a", "sk_live_", ".sk_live_", "-----BEGIN ", "eyJ.", "EAA."] {
        let text = text.repeat(250_000 / text.len());
        check("w.json", &document("", &format!(r#"{{"id":"a","type":"value","config":{{"token":"{text}"}}}}"#)), "");
    }
    let name = "aB".repeat(60_000);
    check("w.json", &document("", &format!(r#"{{"id":"a","type":"value","config":{{"{name}":"{name}"}}}}"#)), "");
}

#[test]
fn calls_with_many_inputs_are_compared_in_time() {
    let inputs = each(100, |name| format!(r#""input_with_a_long_name_{name}":{{}}"#));
    let child = check("w.json", &document(&format!(r#""id":"child","inputs":{{{inputs}}},"#), &value(1, "")), "");
    let known = inputs_by_workflow(child.definition.as_ref());
    let given = each(8000, |name| format!(r#""input_with_a_lon_name_{name}":1"#));
    let call = format!(r#"{{"id":"a","type":"call","config":{{"workflow":"child","input":{{{given}}}}}}}"#);
    let text = document("", &call);
    let found = check("w.json", &text, "");
    let start = Instant::now();
    assert!(found.outside.check(&Source::from_file("w.json", text), &known, |_| true).len() > 1000);
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
}
