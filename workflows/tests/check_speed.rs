//! How long an author waits: a large document has to be checked while a key is held down.

#[path = "kit/checking.rs"]
mod checking;

use std::time::{Duration, Instant};

use checking::catalog;
use onward_workflows::{Source, check};

/// Optimised it is 10 ms on an idle machine; the rest is for builds without optimisation and for busy machines.
const BOUND: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 50 });
const ROUNDS: usize = 5;

/// Twenty groups of ten steps: a loop over records with a choice and a handler inside, and a parallel block.
fn document() -> String {
    let groups: Vec<String> = (0..20).map(group).collect();
    format!(
        "version: 1\nname: large\nsecrets: [KEY]\ninputs: {{ view: {{ type: string, default: all }} }}\nsteps:\n{}\
         output: \"{{{{ steps.report_19.output.url }}}}\"\n",
        groups.concat()
    )
}

fn group(number: usize) -> String {
    let before = if number == 0 { "inputs.view".to_owned() } else { format!("steps.report_{}.output.url", number - 1) };
    GROUP.replace("<n>", &number.to_string()).replace("<before>", &before)
}

const GROUP: &str = r#"
  - id: orders_<n>
    type: http.request
    retry: { max: 5, delay: 2s, if: error.retryable or error.status == 409 }
    config:
      url: "https://shop.test/orders?view={{ <before> | urlencode }}"
      headers: { Authorization: "Bearer {{ secrets.KEY }}" }
  - id: each_<n>
    foreach: { in: "{{ steps.orders_<n>.output.body.records }}", as: order, concurrency: 5 }
    if: order.confirmed | default(false)
    steps:
      - { id: price_<n>, type: value, config: { net: "{{ order.price * 1.17 }}", at: "{{ now() }}" } }
      - id: choose_<n>
        switch:
          - if: steps.price_<n>.output.net > 100 and order.email != null
            steps:
              - id: mail_<n>
                type: http.request
                rate_limit: { key: mail, limit: 80, per: 1s }
                config: { url: "https://mail.test", method: POST, body: { to: "{{ order.email }}", id: "{{ index }}" } }
                expect: output.status == 200
          - steps: [{ id: none_<n>, type: log, config: { message: "No mail for {{ order.id }}" } }]
    output: { order: "{{ order.id }}", sent: "{{ steps.mail_<n>.status == 'succeeded' }}" }
    on_error: [{ id: tell_<n>, type: log, config: { message: "{{ order.id }}: {{ error.message }}" } }]
  - id: both_<n>
    parallel: true
    steps:
      - { id: sum_<n>, type: value, config: "{{ steps.each_<n>.output | map(attribute='order') | list | length }}" }
  - id: report_<n>
    type: http.request
    idempotency_key: "{{ run.id }}-<n>"
    config: { url: "https://pdf.test", method: POST, body: { sum: "{{ steps.sum_<n>.output }}", all: "{{ steps.each_<n>.output }}" } }
    compensate: { type: http.request, config: { url: "https://pdf.test/{{ output.id }}", method: DELETE } }
"#;

#[test]
fn two_hundred_steps_are_checked_at_once() {
    let source = Source::from_file("large.yaml", document());
    let catalog = catalog();
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let checked = check(&source, &catalog);
        fastest = fastest.min(start.elapsed());
        assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
        let definition = checked.definition.expect("the document is right");
        assert_eq!(definition.all_steps().len(), 20 * 11);
    }
    println!("{} bytes in {fastest:?}", source.text.len());
    assert!(fastest < BOUND, "{fastest:?}");
}
