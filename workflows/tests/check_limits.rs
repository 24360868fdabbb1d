//! Limits of runs and steps, and the limits of the format itself.

#[path = "kit/checking.rs"]
mod checking;

use checking::{check_marked, checked, found};
use onward_workflows::Overflow;

#[track_caller]
fn check(lines: &str, codes: &[&str]) -> Vec<String> {
    let found = check_marked(&format!("version: 1\nname: a\n{lines}\n"), codes);
    found.into_iter().map(|found| found.message).collect()
}

const STEP: &str = "steps: [{ id: a, type: value }]";

/// Two steps with these limits.
fn two(one: &str, other: &str) -> String {
    let step = |id: &str, limit: &str| {
        format!("- {{ id: {id}, type: http.request, {limit}, config: {{ url: 'https://a.test' }} }}")
    };
    format!("steps:\n{}\n{}", step("a", one), step("b", other))
}

#[test]
fn limits_of_runs_are_checked() {
    let check = |field: &str, codes: &[&str]| check(&format!("inputs: {{ id: {{}} }}\n{field}\n{STEP}"), codes);
    check("concurrency: { limit: 3, key: '{{ inputs.id }}', overflow: latest }", &[]);
    check("concurrency: { limit: 3, overflow: «drop» }", &["E105"]);
    check("concurrency: { limit: «10001» }", &["E105"]);
    check("concurrency: { «key»: x }".replace("{ «key»: x }", "«{ key: x }»").as_str(), &["E103"]);
    check("concurrency: { limit: 3, key: '{{ «steps».a.output }}' }", &["E124"]);
    check("concurrency: { limit: 3, key: '{{ «now»() }}' }", &["E126"]);
    check("concurrency: { limit: 3, «per»: 1s }", &["E101"]);
    check("rate_limit: { limit: 3, per: 1m, key: '{{ inputs.id }}' }", &[]);
    check("rate_limit: { limit: 3, per: «0s» }", &["E110"]);
    check("rate_limit: { limit: 3, per: «'60'» }", &["E110"]);
    check("idempotency_key: 'x:{{ inputs.id }}:{{ trigger.body.id }}'\nidempotency_ttl: 90d", &[]);
    check("idempotency_key: '{{ inputs.id }}'\nidempotency_ttl: «91d»", &["E115"]);
    check("«idempotency_ttl»: 1h", &["W102"]);
    check("priority: \"{{ 'high' if inputs.id else 'low' }}\"\nqueue: '{{ inputs.id }}'", &[]);
    check("priority: '{{ «variables».p }}'", &["E124"]);
}

#[test]
fn a_run_s_limits_arrive_in_the_definition() {
    let text = format!(
        "version: 1\nname: a\nconcurrency: {{ limit: 2, overflow: replace }}\nidempotency_ttl: 7d\nidempotency_key: x\n{STEP}\n"
    );
    let definition = checked(&text).definition.expect("the document is right");
    let concurrency = definition.concurrency.expect("it is written");
    assert_eq!((concurrency.limit, concurrency.overflow), (2, Overflow::Replace));
    assert_eq!(definition.idempotency_ttl.as_secs(), 7 * 86_400);
}

#[test]
fn a_shared_key_has_one_limit() {
    let said = check(&two("concurrency: { key: pdf, limit: 3 }", "concurrency: { key: pdf, limit: «5» }"), &["W204"]);
    assert_eq!(said, ["`pdf` has two different limits in `concurrency`"]);
    check(
        &two("rate_limit: { key: w, limit: 80, per: 1s }", "rate_limit: { per: «2s», key: w, limit: 80 }"),
        &["W204"],
    );
    check(&two("rate_limit: { key: w, limit: 80, per: 1s }", "rate_limit: { key: w, limit: 80, per: 1000 }"), &[]);
    check(&two("rate_limit: { key: w, limit: 80, per: 60s }", "rate_limit: { key: w, limit: 80, per: 1m }"), &[]);
    check(&two("concurrency: { key: a, limit: 3 }", "concurrency: { key: b, limit: 5 }"), &[]);
    check(&two("concurrency: { limit: 3 }", "concurrency: { limit: 5 }"), &[]);
    check(&two("concurrency: { key: a, limit: 3 }", "rate_limit: { key: a, limit: 5, per: 1s }"), &[]);
    check(
        &two("concurrency: { key: '{{ run.id }}', limit: 3 }", "concurrency: { key: '{{ run.id }}', limit: 5 }"),
        &[],
    );
}

/// Blocks inside one another.
fn nested(levels: usize) -> String {
    let open: Vec<String> = (0..levels).map(|level| format!("{{ id: s{level}, steps: [")).collect();
    let open = open.concat();
    format!("version: 1\nname: a\nsteps: [{open}{{ id: end, type: value }}{}]\n", "] }".repeat(levels))
}

#[test]
fn steps_stand_at_most_eight_levels_deep() {
    assert_eq!(found(&nested(8)), [""; 0]);
    let found = found(&nested(9));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("E115 3:"), "{found:?}");
}

/// Blocks with this many values each.
fn blocks(sizes: &[usize]) -> String {
    let blocks = sizes.iter().enumerate().map(|(block, size)| {
        let steps: Vec<String> = (0..*size).map(|step| format!("{{ id: s{block}_{step}, type: value }}")).collect();
        format!("- {{ id: b{block}, steps: [{}] }}\n", steps.join(", "))
    });
    format!("version: 1\nname: a\nsteps:\n{}", blocks.collect::<Vec<_>>().concat())
}

#[test]
fn a_list_has_two_hundred_steps_and_a_document_five_hundred() {
    assert_eq!(found(&blocks(&[200])), [""; 0]);
    assert_eq!(found(&blocks(&[201])).len(), 1);
    assert_eq!(found(&blocks(&[200, 200, 97])), [""; 0]);
    let checked = checked(&blocks(&[200, 200, 98, 50]));
    let codes: Vec<(&str, &str)> =
        checked.diagnostics.iter().map(|found| (found.code, found.message.as_str())).collect();
    assert_eq!(codes, [("E115", "a document has at most 500 steps")]);
}
