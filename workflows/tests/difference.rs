//! What a deploy would change, in the words of whoever wrote the document.

use onward_workflows::{Source, difference};

fn check(old: &str, new: &str, expected: &[&str]) {
    let source = |text: &str| {
        let is_json = text.trim_start().starts_with('{');
        Source::from_file(if is_json { "w.json" } else { "w.yaml" }, text)
    };
    let changes = difference(&source(old), &source(new)).expect("both can be read");
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected, "{new}");
}

const OLD: &str = "version: 1
name: deliver
triggers:
  - { type: cron, config: { schedule: 0 18 * * *, timezone: Asia/Jerusalem } }
variables: { language: he }
steps:
  - { id: orders, type: http.request, config: { url: https://shop.test/orders }, timeout: 60s }
  - id: deliver
    foreach: { in: steps.orders.output.body, concurrency: 5 }
    steps:
      - { id: pdf, type: http.request, config: { url: https://pdf.test } }
      - { id: send, type: http.request, retry: 3, config: { url: https://send.test, headers: { Authorization: abc } } }
  - { id: tell, type: log, config: { message: done } }
";

fn changed(from: &str, to: &str) -> String {
    assert!(OLD.contains(from), "{from}");
    OLD.replace(from, to)
}

#[test]
fn what_means_the_same_is_no_difference() {
    check(OLD, OLD, &[]);
    check(OLD, &changed("timeout: 60s", "timeout: 60000"), &[]);
    check(OLD, &changed("retry: 3", "retry: { max: 3 }"), &[]);
    check(OLD, &changed("retry: 3", "retries: 3"), &[]);
    check(OLD, &changed("name: deliver\n", "# a comment\nname:   'deliver'\n"), &[]);
    check(
        r#"{ "name": "a", "schema": { "steps": [{ "id": "a", "type": "value" }], "triggers": [{ "type": "webhook", "config": { "key": "k" } }] } }"#,
        "version: 1\nname: a\ntriggers: [{ type: webhook, config: { endpoint: k } }]\nsteps: [{ type: value, id: a }]\n",
        &[],
    );
}

#[test]
fn fields_are_named_by_their_step_or_trigger() {
    check(OLD, &changed("retry: 3", "retry: 5"), &["~ steps.send.retry.max  3 → 5"]);
    check(OLD, &changed("concurrency: 5", "concurrency: 10"), &["~ steps.deliver.foreach.concurrency  5 → 10"]);
    check(OLD, &changed("0 18 * * *", "0 19 * * *"), &["~ triggers.cron.schedule  0 18 * * * → 0 19 * * *"]);
    check(
        OLD,
        &changed("timeout: 60s", "cache: 12h"),
        &["+ steps.orders.cache  {\"ttl\":\"12h\"}", "- steps.orders.timeout  1m"],
    );
    check(
        OLD,
        &changed("name: deliver\n", "id: deliver\nname: Delivery\n"),
        &["+ id  deliver", "~ renamed  deliver → Delivery"],
    );
    check(
        OLD,
        &changed("language: he", "language: en, city: Haifa"),
        &["+ variables.city  Haifa", "~ variables.language  he → en"],
    );
}

#[test]
fn steps_and_triggers_come_go_and_move() {
    let tell = "  - { id: tell, type: log, config: { message: done } }\n";
    check(OLD, &changed(tell, ""), &["- step tell  log"]);
    check(
        OLD,
        &changed("      - { id: pdf", "      - { id: ask, type: value }\n      - { id: pdf"),
        &["+ step ask  value in `deliver`"],
    );
    let tell_first = changed(tell, "").replace("\nsteps:\n", &format!("\nsteps:\n{tell}"));
    check(OLD, &tell_first, &["~ step tell moved  after `deliver` → first"]);
    check(
        OLD,
        &changed(tell, &format!("    finally:\n    {}", tell.replace("  -", "    -"))),
        &["~ step tell moved  in the document → in `deliver.finally`"],
    );
    check(
        OLD,
        &changed("variables:", "  - { type: webhook, config: { endpoint: shop/orders } }\nvariables:"),
        &["+ trigger webhook  webhook shop/orders"],
    );
    let without =
        changed("triggers:\n  - { type: cron, config: { schedule: 0 18 * * *, timezone: Asia/Jerusalem } }\n", "");
    check(OLD, &without, &["- trigger cron  cron 0 18 * * *"]);
}

#[test]
fn of_many_steps_only_the_moved_ones_are_named() {
    let document = |ids: &str| {
        let steps: Vec<String> = ids.chars().map(|id| format!("{{ id: {id}, type: value }}")).collect();
        format!("version: 1\nname: a\nsteps: [{}]\n", steps.join(", "))
    };
    check(&document("abcdef"), &document("bcdeaf"), &["~ step a moved  first → after `e`"]);
    check(&document("abcdef"), &document("xabdef"), &["+ step x  value", "- step c  value"]);
}

#[test]
fn secret_values_are_not_shown() {
    check(
        OLD,
        &changed("Authorization: abc", "Authorization: def"),
        &["~ steps.send.config.headers.Authorization  (not shown) → (not shown)"],
    );
}

#[test]
fn arms_are_compared_by_their_place() {
    let document = |arms: &str| format!("version: 1\nname: a\nsteps:\n  - id: way\n    switch: [{arms}]\n");
    let one = "{ if: inputs.a, steps: [{ id: x, type: value }] }";
    check(
        &document(one),
        &document(&one.replace("inputs.a", "inputs.b")),
        &["~ steps.way.switch[0].if  inputs.a → inputs.b"],
    );
    check(
        &document(one),
        &document(&format!("{one}, {{ steps: [{{ id: y, type: value }}] }}")),
        &["+ steps.way.switch[1]  {}", "+ step y  value in `way.switch[1]`"],
    );
}

#[test]
fn what_cannot_be_read_has_no_difference() {
    let source = Source::from_file("w.json", "{");
    assert!(difference(&source, &source).is_none());
}
