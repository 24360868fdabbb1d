//! Fields of documents and steps: which are known, where they stand, what they may hold.

#[path = "kit/checking.rs"]
mod checking;

use std::time::Duration;

use checking::{checked, found};
use onward_workflows::{Backoff, Body, LogLevel, OnError, Template, TriggerKind, WaitFor};

/// What the checker finds in a document with these lines and one harmless step.
fn check(lines: &str, expected: &[&str]) {
    let text = format!("{lines}\nsteps: [{{ id: a, type: return }}]\n");
    assert_eq!(found(&text), expected, "{text}");
}

/// What it finds in one step, written as a YAML map.
fn check_step(step: &str, expected: &[&str]) {
    let text = format!("version: 1\nname: a\nsteps:\n- {step}\n");
    let places: Vec<String> = found(&text).iter().map(|found| found.replace(" 4:", " ")).collect();
    assert_eq!(places, expected, "{text}");
}

#[test]
fn document_fields_are_checked() {
    check("name: a", &[]);
    check("name: a\nversion: 1", &[]);
    check("name: a\nversion: 2", &["E127 2:10"]);
    check("name: a\nversion: '1'", &["E127 2:10"]);
    check("version: 1", &["E103 1:1"]);
    check("name: ' '", &["E112 1:7"]);
    check("name: 5", &["E105 1:7"]);
    check(&format!("name: {}", "n".repeat(101)), &["E115 1:7"]);
    check("name: a\nid: Not-A-Slug", &["E112 2:5"]);
    check("name: a\nid: 01928374-6556-7788-9900-aabbccddeeff", &[]);
    check("name: a\nenabled: yes", &["E105 2:10"]);
    check("name: a\ntimeout: 400d", &["E115 2:10"]);
    check("name: a\ntimeout: 0s", &["E110 2:10"]);
    check("name: a\ntimeout: -5", &["E110 2:10"]);
    check("name: a\ntimeout: 366d", &[]);
    check("name: a\nowner: team\nlabels: { a: b }", &[]);
    check("name: a\nlabels: { a: 1 }", &["E105 2:14"]);
    check("name: a\n$schema: https://schema.test/w.json\nx-anything: [1]", &[]);
    check(&format!("name: a\ndescription: {}", "d".repeat(2001)), &["E115 2:14"]);
}

#[test]
fn unknown_fields_are_errors_with_a_version_or_when_they_resemble_one() {
    check("name: a\nversion: 1\nsource: x", &["E101 3:1"]);
    check("name: a\nsource: x", &["W101 2:1"]);
    check("name: a\ndescripton: x", &["E101 2:1"]);
    assert!(checked("name: a\nsource: x\nsteps: [{ id: a, type: return }]").is_valid());
}

#[test]
fn fields_of_the_document_have_their_kinds() {
    for field in ["secrets", "finally", "defaults", "concurrency", "rate_limit"] {
        let expected = format!("E105 2:{}", field.len() + 3);
        check(&format!("name: a\n{field}: x"), &[expected.as_str()]);
    }
    check("name: a\nqueue: A B", &["E112 2:8"]);
    check("name: a\npriority: urgent", &["E105 2:11"]);
    check("name: a\nsecrets: [A, A, a b]", &["E104 2:14", "E112 2:17"]);
    check("name: a\nconcurrency: { limit: 0 }", &["E105 2:23"]);
    check("name: a\nrate_limit: { limit: 1 }", &["E103 2:13"]);
}

#[test]
fn a_step_has_exactly_one_body() {
    check_step("{ id: a, type: return, steps: [] }", &["E128 26"]);
    check_step("{ id: a, switch: [], steps: [] }", &["E128 24"]);
    check_step("{ id: a, type: return, parallel: true }", &["E128 26"]);
    check_step("{ id: a, steps: [] }", &["E103 19"]);
    check_step("{ id: a, steps: [{ id: b, type: return }], parallel: x }", &["E105 56"]);
    check_step("{ id: a, switch: [{ steps: [] }, { if: inputs.x, steps: [] }] }", &["E129 23", "E108 49"]);
}

#[test]
fn loops_and_events_are_checked() {
    check_step("{ id: a, type: value, foreach: { as: x } }", &["E103 34"]);
    check_step("{ id: a, type: value, foreach: 5 }", &["E105 34"]);
    check_step("{ id: a, type: value, foreach: { in: [1], as: steps } }", &["E104 49"]);
    check_step("{ id: a, type: value, foreach: { in: [1], concurrency: 0 } }", &["E105 58"]);
    check_step("{ id: a, type: value, foreach: [1, 2], config: '{{ item + index }}' }", &[]);
    check_step("{ id: a, type: return, foreach: [1] }", &["E129 18"]);
    check_step("{ id: a, type: wait_for_event, config: { event: x } }", &["E116 18"]);
    check_step("{ id: a, type: wait_for_event, timeout: 1h, config: { event: x, where: event.data.ok } }", &[]);
    check_step("{ id: a, type: emit }", &["E103 18"]);
    check_step("{ id: a, type: call, config: { workflow: b, mode: later } }", &["E105 53"]);
}

#[test]
fn ids_of_steps_are_checked() {
    check_step("{ type: return }", &["E103 5"]);
    check_step("{ id: 5, type: return }", &["E105 9"]);
    check_step("{ id: a b, type: return }", &["E112 9"]);
    check_step(&format!("{{ id: {}, type: return }}", "i".repeat(51)), &["E112 9"]);
    check_step("{ id: a, type: return }\n- { id: a, type: return }", &["E104 5:9"]);
    check_step("{ id: a-b, type: return }\n- { id: a_b, type: return }", &["E104 5:9"]);
    check_step("text", &["E105 3"]);
}

#[test]
fn types_and_configs_are_checked() {
    check_step("{ id: a }", &["E103 5"]);
    check_step("{ id: a, type: http.reqest }", &["E114 18"]);
    check_step("{ id: a, type: nonsense.thing }", &["E114 18"]);
    check_step("{ id: a, type: http.request }", &["E103 18"]);
    check_step("{ id: a, type: http.request, config: text }", &["E105 40"]);
    check_step("{ id: a, type: http.request, config: { url: example.test } }", &["E105 47"]);
    check_step("{ id: a, type: http.request, config: { url: 'https://' } }", &["E105 47"]);
    check_step("{ id: a, type: http.request, config: { url: '{{ inputs.a }}' } }", &["E108 58"]);
    check_step("{ id: a, type: http.request, config: { url: 'http://a.test', method: FETCH } }", &["E105 72"]);
    check_step("{ id: a, type: http.request, config: { url: 'http://a.test', headers: [] } }", &["E105 73"]);
    check_step("{ id: a, type: http.request, config: { url: 'http://a.test', follow_redirects: 'no' } }", &["E105 82"]);
    check_step("{ id: a, type: http.request, config: { url: 'http://a.test', bdy: 1 } }", &["E101 64"]);
    check_step("{ id: a, type: http.request, url: 'http://a.test' }", &["E103 18", "E102 32"]);
    check_step("{ id: a, type: http.request, config: { url: 'http://a.test', timeout: 5s } }", &["E102 64"]);
    check_step("{ id: a, type: log, config: { message: x, level: loud } }", &["E105 52"]);
    check_step("{ id: a, type: log }", &["E103 18"]);
    check_step("{ id: a, type: fail, config: {} }", &["E103 18"]);
    check_step("{ id: a, type: wait, config: {} }", &["E103 18"]);
    check_step("{ id: a, type: wait, config: { for: 5m, until: '2030-01-01T00:00:00Z' } }", &["E103 18"]);
    check_step("{ id: a, type: wait, config: { for: 5 minutes } }", &["E110 39"]);
    check_step("{ id: a, type: wait, config: { until: tomorrow } }", &["E105 41"]);
    check_step("{ id: a, type: value, config: [1, { any: thing }] }", &[]);
}

#[test]
fn retry_timeout_and_on_error_are_checked() {
    let step = |rest: &str| format!("{{ id: a, type: http.request, config: {{ url: 'http://a.test' }}, {rest} }}");
    check_step(&step("retries: 101"), &["E105 75"]);
    check_step(&step("retries: 1, retry: 1"), &["E119 75"]);
    check_step(&step("retry: often"), &["E105 73"]);
    check_step(&step("retry: { max: 3, delay: 5 seconds }"), &["E110 90"]);
    check_step(&step("retry: { backof: linear }"), &["E101 75"]);
    check_step(&step("retry: { backoff: linaer }"), &["E105 84"]);
    check_step(&step("retry: { jitter: 1 }"), &["E105 83"]);
    check_step(&step("retry: { if: error.retryable and error.status != 404 }"), &[]);
    check_step(&step("retry: { if: \"now() == 1\" }"), &["E126 80"]);
    check_step(&step("timeout: '30'"), &["E110 75"]);
    check_step(&step("on_error: ignore"), &["E105 76"]);
    check_step(&step("on_error: continue"), &[]);
    check_step("{ id: a, type: log, config: { message: x }, retries: 3 }", &["W102 47"]);
}

#[test]
fn limits_have_errors_of_their_own() {
    let steps =
        |count: usize| (0..count).map(|n| format!("- {{ id: s{n}, type: return }}\n")).collect::<Vec<_>>().concat();
    let codes =
        |text: &str| -> Vec<&'static str> { checked(text).diagnostics.iter().map(|found| found.code).collect() };
    assert_eq!(codes(&format!("name: a\nsteps:\n{}", steps(200))), [""; 0]);
    assert_eq!(codes(&format!("name: a\nsteps:\n{}", steps(201))), ["E115"]);
    let triggers = "- { type: manual }\n".repeat(21);
    assert_eq!(codes(&format!("name: a\ntriggers:\n{triggers}steps:\n{}", steps(1))), ["E115"]);
    let inputs: String = (0..101).map(|n| format!("  i{n}: {{}}\n")).collect::<Vec<_>>().concat();
    assert_eq!(codes(&format!("name: a\ninputs:\n{inputs}steps:\n{}", steps(1))), ["E115"]);
    let variables = "v".repeat(65 * 1024);
    assert_eq!(codes(&format!("name: a\nvariables: {{ a: {variables} }}\nsteps:\n{}", steps(1))), ["E115"]);
    let hole = "1 + ".repeat(1100);
    assert_eq!(
        codes(&format!("name: a\nsteps:\n- {{ id: a, type: return, config: {{ value: '{{{{ {hole} 1 }}}}' }} }}")),
        ["E115"]
    );
    assert_eq!(codes("name: a\nsteps: []"), ["E103"]);
    assert_eq!(codes("name: a"), ["E103"]);
}

#[test]
fn inputs_are_json_schemas_and_defaults_fit() {
    check("name: a\ninputs: { age: { type: integer, minimum: 1, default: 3 } }", &[]);
    check("name: a\ninputs: { age: { type: integer, minimum: 1, default: 0 } }", &["E120 2:54"]);
    check("name: a\ninputs: { age: { type: integr } }", &["E120 2:24"]);
    check("name: a\ninputs: { age: integer }", &["E105 2:16"]);
    check("name: a\ninputs: [age]", &["E105 2:9"]);
    check("name: a\ninputs: { age: { $ref: 'https://schema.test/age.json' } }", &["E120 2:16"]);
    check("name: a\ninputs: { list: { type: array, default: [1, x], items: { type: integer } } }", &["E120 2:45"]);
}

#[test]
fn what_is_not_written_has_its_default() {
    let text = "name: My Flow\nsteps:\n- { id: get, type: http.request, config: { url: 'https://a.test' } }\n- { id: end, type: return }\n";
    let definition = checked(text).definition.expect("the document is right");
    assert_eq!((definition.id.as_str(), definition.enabled), ("my-flow", true));
    assert_eq!(definition.timeout, Duration::from_hours(30 * 24));
    assert!(matches!(definition.triggers.as_slice(), [trigger] if matches!(trigger.kind, TriggerKind::Manual)));
    let get = &definition.steps[0];
    assert_eq!((get.name.as_str(), get.timeout), ("get", Some(Duration::from_secs(30))));
    assert!(matches!(get.on_error, OnError::Fail));
    assert_eq!((get.retry.max, get.retry.delay, get.retry.backoff), (3, Duration::from_secs(1), Backoff::Exponential));
    assert_eq!((get.retry.max_delay, get.retry.jitter, get.retry.within), (Duration::from_mins(5), true, None));
    let end = &definition.steps[1];
    assert_eq!((end.retry.max, end.timeout, end.needs.as_slice()), (0, None, &[0][..]));
    assert!(matches!(end.body, Body::Return(None)));
}

#[test]
fn written_values_arrive_in_the_definition() {
    let text = "
version: 1
name: A
id: other
enabled: false
timeout: 1h30m
steps:
  - id: one
    name: First
    type: http.request
    config: { url: 'https://a.test', body: { a: 1 } }
    retry: { max: 5, delay: 2s, backoff: linear, max_delay: 1m, jitter: false, within: 1h, if: error.retryable }
    timeout: 1500
    on_error: continue
  - { id: two, needs: [], type: log, config: { message: hello, level: warn } }
  - { id: three, needs: [one], type: wait, config: { for: 5m } }
on_error:
  - { id: tell, type: log, config: { message: '{{ error.message }}' } }
";
    let definition = checked(text).definition.expect("the document is right");
    assert_eq!((definition.id.as_str(), definition.enabled), ("other", false));
    assert_eq!(definition.timeout, Duration::from_mins(90));
    let one = &definition.steps[0];
    assert_eq!((one.name.as_str(), one.timeout), ("First", Some(Duration::from_millis(1500))));
    assert!(matches!(one.on_error, OnError::Continue));
    assert_eq!((one.retry.max, one.retry.backoff, one.retry.jitter), (5, Backoff::Linear, false));
    assert_eq!(one.retry.within, Some(Duration::from_hours(1)));
    assert_eq!(one.retry.condition.as_ref().map(onward_workflows::Expression::source), Some("error.retryable"));
    assert!(matches!(&one.body, Body::Work { config: Template::Literal(config), .. } if config["body"]["a"] == 1));
    let two = &definition.steps[1];
    assert!(two.needs.is_empty() && matches!(two.body, Body::Log { level: LogLevel::Warn, .. }));
    let three = &definition.steps[2];
    assert_eq!(three.needs, [0]);
    assert!(matches!(&three.body, Body::Wait(WaitFor::For(Template::Literal(length))) if length == "5m"));
    assert_eq!(definition.on_error[0].id, "tell");
}

#[test]
fn unoffered_types_are_listed_apart() {
    let found = checked("version: 1\nname: a\nsteps:\n- { id: a, type: slack.send, config: { channel: '#ops' } }\n");
    assert!(found.is_valid() && found.diagnostics.is_empty());
    assert_eq!(
        found.unoffered.iter().map(|found| (found.code, found.range.start.line)).collect::<Vec<_>>(),
        [("E203", 4)]
    );
}
