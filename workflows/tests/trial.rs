//! What a test file can say, and what it is told.

#[path = "kit/checking.rs"]
mod checking;

use checking::catalog;
use insta::assert_snapshot;
use onward_workflows::{Source, Style, Trial, check, render, tested_workflow, try_cases};

const DOCUMENT: &str = "version: 1
name: sample
inputs: { order: { type: string } }
secrets: [TOKEN]
steps:
  - id: fetch
    type: http.request
    config: { url: 'https://shop.test/{{ inputs.order }}', headers: { Authorization: '{{ secrets.TOKEN }}' } }
  - id: each
    foreach: '{{ steps.fetch.output.body.rows }}'
    type: http.request
    config: { method: PUT, url: 'https://shop.test/rows/{{ item.id }}' }
    on_error: continue
  - { id: pause, type: wait, config: { for: 2d } }
  - id: paid
    type: wait_for_event
    timeout: 1d
    config: { event: paid, key: '{{ inputs.order }}' }
    output: '{{ output.data.sum }}'
  - { id: total, type: value, config: { rows: '{{ steps.fetch.output.body.rows | length }}' } }
output: { rows: '{{ steps.total.output.rows }}', sum: '{{ steps.paid.output }}' }
";

fn tests(cases: &str) -> Source {
    Source::from_file("sample.test.yaml", format!("workflow: sample.yaml\n{cases}"))
}

fn tried(cases: &str) -> Trial {
    let document = Source::from_file("sample.yaml", DOCUMENT);
    let checked = check(&document, &catalog());
    let definition = checked.definition.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    try_cases(&tests(cases), &document, definition, |_| true)
}

/// Everything that was found, as people read it.
fn told(cases: &str) -> String {
    let trial = tried(cases);
    let found: Vec<_> =
        trial.diagnostics.into_iter().chain(trial.cases.into_iter().flat_map(|case| case.diagnostics)).collect();
    render(&found, &tests(cases), Style::default())
}

const OUTCOMES: &str = "outcomes:
  fetch: { output: { body: { rows: [{ id: 1 }, { id: 2 }] } } }
  each: { output: { url: '{{ config.url }}', attempt: '{{ attempt }}' } }
";

#[test]
fn a_run_of_days_takes_no_time() {
    let trial = tried(&format!(
        "{OUTCOMES}cases:
  - name: all goes well
    inputs: {{ order: A }}
    events: [{{ name: paid, key: A, data: {{ sum: 5 }}, after: 1h }}]
    expect:
      output: {{ rows: 2, sum: 5 }}
      order: [fetch, 'each[0]', 'each[1]', pause, paid, total]
      steps:
        each: {{ output: [{{ url: 'https://shop.test/rows/1', attempt: 1 }}, {{ attempt: 1 }}] }}
        each[1]: {{ status: succeeded, attempts: 1 }}
      configs: {{ fetch: {{ url: https://shop.test/A, headers: {{ Authorization: <TOKEN> }} }} }}
      took: 2d
  - name: an event that comes too late
    inputs: {{ order: A }}
    outcomes: {{ 'each[1]': {{ error: 404 }} }}
    events: [{{ name: paid, key: A, after: 4d, taken: false }}]
    expect:
      error: {{ kind: timeout, step: paid }}
      steps: {{ 'each[1]': {{ status: failed, handled: true, error: {{ status: 404 }} }} }}
      not_run: [total]
      took: 3d
"
    ));
    let found: Vec<_> = trial.cases.iter().flat_map(|case| &case.diagnostics).chain(&trial.diagnostics).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(trial.cases.iter().map(|case| case.status).collect::<Vec<_>>(), ["succeeded", "failed"]);
    assert_eq!(trial.cases.iter().map(|case| case.line).collect::<Vec<_>>(), [6, 17]);
}

#[test]
fn differences_are_shown_where_they_were_expected() {
    assert_snapshot!(told(&format!(
        "{OUTCOMES}cases:
  - name: everything is otherwise
    inputs: {{ order: A }}
    events: [{{ name: paid, key: A, data: {{ sum: 5 }} }}]
    expect:
      output: {{ rows: 3, sun: 5 }}
      steps: {{ each: {{ output: [] }}, total: skipped, fetch: {{ attempts: 2 }} }}
      order: [total, fetch]
      not_run: [pause]
      configs: {{ fetch: {{ url: https://shop.test/B }} }}
      undone: [fetch]
      took: '< 1d'
  - name: another end
    inputs: {{ order: A }}
    outcomes: {{ fetch: {{ error: {{ kind: http, status: 404, message: no such order }} }} }}
    expect: {{ output: {{ rows: 2 }} }}
  - name: another error
    inputs: {{ order: A }}
    outcomes: {{ fetch: {{ error: 404 }} }}
    expect: {{ error: {{ kind: network, message: lost }} }}
  - name: no run
    inputs: {{ ordre: A }}
"
    )));
}

#[test]
fn an_attempt_without_an_outcome_says_what_to_write() {
    assert_snapshot!(told(
        "cases:
  - name: nothing is said
    inputs: { order: A }
  - name: too little is said
    inputs: { order: A }
    outcomes: { fetch: [{ error: 503 }, { error: 503 }] }
"
    ));
}

#[test]
fn what_nobody_used_is_a_mistake() {
    assert_snapshot!(told(&format!(
        "{OUTCOMES}cases:
  - name: too much is said
    inputs: {{ order: A }}
    outcomes:
      fetch: [{{ output: {{ body: {{ rows: [] }} }} }}, {{ output: 1 }}]
      each[7]: {{ output: 1 }}
    events:
      - {{ name: paid, key: A, data: {{ sum: 5 }} }}
      - {{ name: piad, key: A }}
"
    )));
}

#[test]
fn a_wrong_file_is_shown_as_a_whole() {
    assert_snapshot!(told(
        "now: yesterday
secrets: { TOKNE: a }
case: []
cases:
  - name: a
    inputs: { order: A }
    outcomes:
      fetsh: { output: 1 }
      pause: { output: 1 }
      fetch: { outptu: 1 }
      each: [{ output: 1, error: 503 }, 7]
    expect:
      status: sucess
      steps: { totl: succeeded }
      not_run: [nothing_like_it]
      took: long
  - name: a
    trigger: { id: none }
    inputs: {}
"
    ));
    let nameless = Source::from_file("a.test.yaml", "cases: []\n");
    let found = tested_workflow(&nameless).expect_err("no document");
    assert_snapshot!("without_a_document", render(&found, &nameless, Style::default()));
}
