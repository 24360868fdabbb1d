//! Documents that are made to hurt: each has to end quickly, with an answer.

#[path = "kit/checking.rs"]
mod checking;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use onward_workflows::{Source, check as check_source};

/// What an optimised build has; an unoptimised one on a busy machine takes longer.
const BOUND: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 100 });

/// The code of the first finding.
fn check(file: &str, text: &str, expected: &str) {
    let source = Source::from_file(file, text);
    let catalog = checking::catalog();
    let start = Instant::now();
    let checked = check_source(&source, &catalog);
    let spent = start.elapsed();
    let code = checked.diagnostics.iter().find(|found| found.code.starts_with('E')).map_or("", |found| found.code);
    assert_eq!(code, expected);
    assert!(spent < BOUND, "{file}: {spent:?}");
}

fn log_step(message: &str) -> String {
    format!(r#"{{"version":1,"name":"a","steps":[{{"id":"a","type":"log","config":{{"message":"{message}"}}}}]}}"#)
}

#[test]
fn documents_over_the_size_are_not_parsed() {
    check("w.json", &" ".repeat(256 * 1024 + 1), "E004");
}

#[test]
fn deep_nesting_ends_with_an_error() {
    check("w.json", &"[".repeat(20_000), "E004");
    check("w.json", &"{\"a\":".repeat(20_000), "E004");
    check("w.json", &format!("{}{}", "[".repeat(100), "]".repeat(100)), "E004");
    check("w.yaml", &"[".repeat(20_000), "E001");
    check("w.yaml", &"- ".repeat(100_000), "E004");
    check("w.yaml", &(0..600).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<Vec<_>>().concat(), "E004");
}

#[test]
fn aliases_cannot_multiply_without_end() {
    let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (previous, next) in ('a'..='h').zip('b'..='i') {
        let aliases = vec![format!("*{previous}"); 9].join(",");
        writeln!(laughs, "{next}: &{next} [{aliases}]").expect("strings take everything");
    }
    check("w.yaml", &laughs, "E004");
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(200_000), vec!["*a"; 10_000].join(","));
    check("w.yaml", &text, "E004");
}

#[test]
fn many_values_are_counted() {
    check("w.json", &format!("[{}1]", "1,".repeat(60_000)), "E004");
    check("w.yaml", &format!("[{}1]", "1,".repeat(60_000)), "E004");
}

#[test]
fn many_mistakes_are_cut_short() {
    let fields: String = (0..13_000).map(|number| format!("\"descriptiom{number}\":1,")).collect::<Vec<_>>().concat();
    check("w.json", &format!("{{\"version\":1,\"name\":\"a\",{fields}\"steps\":[]}}"), "E101");
    check("w.json", &format!("{{{}\"a\":1}}", "\"a\":1,".repeat(26_000)), "E003");
    let needs = ["step_with_a_long_name_z"; 200].join("\",\"");
    let steps: Vec<String> = (0..40)
        .map(|number| format!(r#"{{"id":"step_with_a_long_name_{number}","type":"return","needs":["{needs}"]}}"#))
        .collect();
    check("w.json", &format!(r#"{{"version":1,"name":"a","steps":[{}]}}"#, steps.join(",")), "E107");
}

#[test]
fn needs_that_all_point_down_are_cut_short() {
    let steps: Vec<String> = (0..200)
        .map(|place| {
            let below: Vec<String> = (place + 1..200).map(|other| format!("\"s{other}\"")).collect();
            format!(r#"{{"id":"s{place}","type":"return","needs":[{}]}}"#, below.join(","))
        })
        .collect();
    check("w.json", &format!(r#"{{"version":1,"name":"a","steps":[{}]}}"#, steps.join(",")), "E106");
}

#[test]
fn holes_and_escapes_are_bounded() {
    check("w.json", &log_step(&"{{x}}".repeat(45_000)), "E124");
    check("w.json", &log_step(&"{{'a".repeat(50_000)), "E121");
    check("w.json", &log_step(&format!("{}{{{{x}}}}", "\\u0041".repeat(40_000))), "E124");
    check("w.json", &log_step(&format!("{{{{ {} }}}}", "(".repeat(4000))), "E121");
    check("w.json", &log_step(&format!("{{{{ {}1 }}}}", "1 + ".repeat(1000))), "E121");
    let folded = format!(
        "version: 1\nname: a\nsteps:\n- id: a\n  type: log\n  config:\n    message: \"{}{{{{ x }}}}\"\n",
        "\\\n     ".repeat(35_000)
    );
    check("w.yaml", &folded, "E124");
}

#[test]
fn schemas_fetch_nothing_and_do_not_run_away() {
    let document = |inputs: &str| {
        format!(r#"{{"version":1,"name":"a","inputs":{{{inputs}}},"steps":[{{"id":"a","type":"return"}}]}}"#)
    };
    check("w.json", &document(r#""a":{"$ref":"file:///etc/passwd"}"#), "E120");
    check("w.json", &document(r##""a":{"$ref":"#","default":1}"##), "");
    let default = "a".repeat(60);
    check(
        "w.json",
        &document(&format!(r#""a":{{"type":"string","pattern":"^(a+)+$","default":"{default}b"}}"#)),
        "E120",
    );
    let patterns: Vec<String> =
        (0..100).map(|number| format!(r#""a{number}":{{"pattern":"(((\\w{{1,50}}){{50}}){{50}}){{50}}"}}"#)).collect();
    check("w.json", &document(&patterns.join(",")), "E120");
}
