//! Hostile expressions end soon, with an error, and without taking the process along.

use std::time::{Duration, Instant};

use onward_workflows::{Expression, Part, Scope, Template};
use serde_json::json;

/// The bound is for a release build; a debug build is slower by a factor.
const TIME_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 100 });

fn scope() -> Scope {
    Scope::new()
        .with("list", &json!((0..5_000).collect::<Vec<_>>()))
        .with("text", &json!("x".repeat(200_000)))
        .with("short", &json!("a".repeat(16_000)))
}

/// Compiling or evaluating fails, in time.
fn refuses(source: &str) {
    let scope = scope();
    let begun = Instant::now();
    let result = Expression::compile(source, 1, 1)
        .map_err(|error| error.message)
        .and_then(|expression| expression.evaluate(&scope).map_err(|error| error.message));
    assert!(begun.elapsed() < TIME_MAX, "{} took {:?}", &source[..source.len().min(60)], begun.elapsed());
    let value = result.map(|value| value.to_string().len());
    assert!(value.is_err(), "{}: {value:?} bytes", &source[..source.len().min(60)]);
}

/// The outcome does not matter, coming to an end does.
fn ends(source: &str) {
    let scope = scope();
    let begun = Instant::now();
    if let Ok(expression) = Expression::compile(source, 1, 1) {
        let _ = expression.references();
        let _ = expression.evaluate(&scope);
        let _ = expression.test(&scope);
    }
    assert!(begun.elapsed() < TIME_MAX, "{} took {:?}", &source[..source.len().min(60)], begun.elapsed());
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{'a':", "}"), ("not ", ""), ("a[", "]")] {
        let depth = 4_000 / (open.len() + close.len()).max(2);
        refuses(&format!("{}1{}", open.repeat(depth), close.repeat(depth)));
    }
}

/// On a stack of which others have used most.
#[test]
fn long_chains_do_not_overflow_the_stack() {
    std::thread::Builder::new().stack_size(1 << 20).spawn(long_chains).unwrap().join().unwrap();
}

fn long_chains() {
    for link in
        ["+a", ".a", "|d(1)", "~a", "*2", "[0]", " and a", " or a", " if a else a", "()", " is odd", "**2", "==1"]
    {
        let head = if link == "()" { "range" } else { "a" };
        // The longest chain that is refused at once, and the longest that is not.
        ends(&format!("{head}{}", link.repeat(4_090 / link.len())));
        let compiles = |links: &usize| Expression::compile(&format!("{head}{}", link.repeat(*links)), 1, 1).is_ok();
        if let Some(links) = (1..1_000).rev().find(compiles) {
            ends(&format!("{head}{}", link.repeat(links)));
        }
    }
    ends(&format!("{}1", "-".repeat(999)));
}

#[test]
fn loops_run_out_of_fuel() {
    refuses("range(1000000000)");
    refuses("range(100000) | list | length");
    refuses("list | map('string') | join(',') | list | sort | join | list | sort");
    refuses(&format!("[{}]", "list|sum,".repeat(400)));
    refuses(&format!("list{}", "|sort|reverse|unique".repeat(150)));
}

#[test]
fn large_results_are_refused() {
    refuses(
        "text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text ~ text",
    );
    refuses("[text, text, text, text, text, text]");
    refuses("'x' | indent(100000000)");
    refuses("'%99999999d' | format(1)");
    refuses("text | replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxx')");
    refuses("10 ** 10 ** 10");
}

#[test]
fn hostile_patterns_are_bounded() {
    refuses("'x' | matches('(a{1000}){1000}')");
    refuses("text | matches('x')");
    ends("short | matches('(a*)*(a*)*(a*)*b')");
    ends("short | matches('(a|aa)+$')");
    ends("short | matches('(?:a?){100}a{100}b')");
    ends(&format!("short | matches('{}b')", "a?".repeat(900)));
}

#[test]
fn the_holes_of_a_template_share_one_limit() {
    let hole = || Part::Hole(Expression::compile("text", 1, 1).unwrap());
    let parts = |count: usize| Template::Text((0..count).map(|_| hole()).collect());
    assert!(parts(50).render(&scope()).is_ok());
    let error = parts(60).render(&scope()).unwrap_err();
    assert_eq!(error.message, "the values put in here are larger than 10 MiB together");
}
