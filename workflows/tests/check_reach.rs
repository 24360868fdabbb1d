//! Who may read whom: through blocks, arms, loops, handlers and undo steps.

#[path = "kit/checking.rs"]
mod checking;

use checking::{check_marked, checked, with_safe_fixes};

/// Steps as YAML, with marks around what cannot be read.
#[track_caller]
fn check(steps: &str, codes: &[&str]) -> Vec<String> {
    check_around("", steps, codes)
}

#[track_caller]
fn check_around(fields: &str, steps: &str, codes: &[&str]) -> Vec<String> {
    let found = check_marked(&format!("version: 1\nname: a\n{fields}steps:\n{steps}"), codes);
    found.into_iter().map(|found| found.message).collect()
}

#[test]
fn an_item_reads_its_own_steps_and_what_came_before_the_loop() {
    let steps = "
- { id: orders, type: value, config: [1, 2] }
- id: each
  foreach: steps.orders.output
  if: item > 1
  steps:
    - { id: pdf, type: value, config: '{{ item }}{{ index }}{{ steps.orders.output }}' }
    - { id: send, type: value, config: '{{ steps.pdf.output }}' }
  output: '{{ steps.send.output }}{{ output }}'
  expect: output != steps.pdf.output
  on_error: [{ id: tell, type: value, config: '{{ steps.pdf.status }}{{ item }}{{ error.message }}' }]
  finally: [{ id: clean, type: value, config: '{{ steps.pdf.status }}{{ steps.tell.status }}{{ item }}' }]
  compensate: [{ id: undo, type: value, config: '{{ steps.pdf.output }}{{ item }}{{ steps.each.output }}' }]
- { id: end, type: value, config: '{{ steps.each.output }}{{ steps.each.items[0].status }}' }
";
    check(steps, &[]);
}

#[test]
fn a_loop_cannot_be_read_into_from_outside() {
    let steps = "
- id: each
  foreach: [1]
  steps:
    - { id: pdf, type: value }
    - { id: inner, foreach: [2], steps: [{ id: deep, type: value }] }
    - { id: after, type: value, config: '{{ steps.«deep».output }}{{ steps.inner.output }}' }
- { id: end, type: value, config: '{{ steps.«pdf».output }}{{ steps.«deep».output }}' }
";
    let messages = check(steps, &["E113", "E113", "E113"]);
    assert_eq!(messages[0], "`deep` runs once for each item of `inner`, so it has no single output here");
    assert_eq!(messages[1], "`pdf` runs once for each item of `each`, so it has no single output here");
}

#[test]
fn a_loop_cannot_read_itself_before_it_has_run() {
    let steps = "
- id: each
  foreach: steps.«pdf».output
  if: steps.«pdf».output
  steps: [{ id: pdf, type: value, config: '{{ steps.«each».output }}' }]
- { id: one, type: value, config: '{{ steps.«one».output }}' }
- { id: two, type: value, output: '{{ steps.«two».output }}{{ output }}' }
";
    let messages = check(steps, &["E111"; 5]);
    assert_eq!(messages[0], "`each` reads `pdf`, which stands in it");
    assert_eq!(messages[2], "`pdf` reads `each`, in which it stands");
    assert_eq!(messages[3], "`one` reads its own result");
}

#[test]
fn a_finished_block_can_be_read_into() {
    let steps = "
- { id: block, steps: [{ id: a, type: value }, { id: in, steps: [{ id: b, type: value }] }] }
- { id: end, type: value, config: '{{ steps.a.output }}{{ steps.b.output }}{{ steps.in.output }}' }
- id: other
  steps: [{ id: c, type: value, config: '{{ steps.b.output }}{{ steps.«d».output }}' }, { id: d, type: value }]
- { id: last, needs: [], type: value, config: '{{ steps.«b».output }}' }
";
    let messages = check(steps, &["E111", "E111"]);
    assert_eq!(messages[0], "`c` reads `d`, which stands below it");
    assert_eq!(messages[1], "`last` reads `b`, but does not wait for it");
}

#[test]
fn an_arm_reads_itself_and_others_read_arms_that_are_over() {
    let steps = "
- id: choose
  switch:
    - { if: true, steps: [{ id: a, type: value }, { id: b, type: value, config: '{{ steps.a.output }}' }] }
    - { if: steps.«a».output, steps: [{ id: c, type: value, config: '{{ steps.«a».output }}' }] }
    - { steps: [{ id: d, type: value }] }
  output: '{{ steps.a.output or steps.d.output }}'
- { id: end, type: value, config: '{{ steps.a.status }}{{ steps.c.output }}{{ steps.choose.output }}' }
";
    let messages = check(steps, &["E111", "E111"]);
    assert_eq!(messages[1], "`c` reads `a`, which stands in another arm");
}

#[test]
fn handlers_read_the_body_and_nobody_reads_them_too_early() {
    let steps = "
- id: try
  steps:
    - { id: a, type: value, config: '{{ steps.«handler».output }}{{ steps.«clean».output }}' }
  on_error:
    - { id: handler, type: value, config: '{{ steps.a.error.message }}{{ steps.«clean».output }}' }
    - { id: second, type: value, config: '{{ steps.handler.output }}{{ steps.«try».output }}' }
  finally:
    - { id: clean, type: value, config: '{{ steps.a.status }}{{ steps.second.status }}' }
- { id: end, type: value, config: '{{ steps.handler.status }}{{ steps.clean.status }}' }
";
    let messages = check(steps, &["E111"; 4]);
    assert_eq!(messages[0], "`a` reads `handler`, which only runs after an error");
    assert_eq!(messages[1], "`a` reads `clean`, which only runs at the end");
}

#[test]
fn an_undo_reads_what_it_undoes_but_is_not_read() {
    let steps = "
- { id: first, type: value }
- id: charge
  type: value
  compensate:
    type: http.request
    config: { url: 'https://a.test/{{ steps.charge.output.id }}{{ output.id }}{{ steps.first.output }}{{ steps.«ship».output }}' }
- id: ship
  type: value
  compensate:
    - { id: back, type: value, config: '{{ steps.ship.output }}{{ steps.charge.output }}{{ output }}' }
    - { id: told, type: value, config: '{{ steps.back.output }}{{ steps.«told».output }}' }
- { id: end, type: value, config: '{{ steps.«back».output }}' }
";
    let messages = check(steps, &["E111"; 3]);
    assert_eq!(messages[0], "`charge` reads `ship`, which stands below it");
    assert_eq!(messages[2], "`end` reads `back`, which only runs to undo");
}

#[test]
fn the_document_s_handlers_read_its_steps() {
    let fields = "
on_error:
  - { id: alert, type: value, config: '{{ steps.a.status }}{{ steps.b.output }}{{ steps.«item».output }}{{ error.step }}' }
finally:
  - { id: audit, type: value, config: '{{ steps.a.status }}{{ steps.alert.status }}{{ run.error }}' }
output: '{{ steps.b.output }}{{ steps.«item».output }}{{ steps.«undo».output }}{{ steps.«audit».output }}'
";
    let steps = "
- { id: a, type: value, config: '{{ steps.«alert».output }}', compensate: [{ id: undo, type: value }] }
- { id: c, steps: [{ id: b, type: value }] }
- { id: each, foreach: [1], steps: [{ id: item, type: value }] }
";
    let messages = check_around(fields, steps, &["E113", "E113", "E111", "E111", "E111"]);
    assert_eq!(messages[2], "`undo` only runs to undo");
    assert_eq!(messages[3], "`audit` only runs at the end");
    assert_eq!(messages[4], "`a` reads `alert`, which only runs after an error");
}

#[test]
fn children_of_a_parallel_block_wait_for_nothing() {
    let steps = "
- { id: before, type: value }
- id: both
  parallel: 2
  steps:
    - { id: a, type: value, config: '{{ steps.before.output }}' }
    - { id: b, type: value, config: '{{ steps.«a».output }}' }
    - { id: c, needs: [a], type: value, config: '{{ steps.a.output }}' }
    - { id: d, needs: [], type: value, config: '{{ steps.«a».output }}' }
    - { id: e, steps: [{ id: f, type: value, config: '{{ steps.«a».output }}' }] }
";
    check(steps, &["E111"; 3]);
}

/// Each kind of place in which `needs` can be added, and what becomes of it.
#[test]
fn the_missing_need_is_a_safe_fix() {
    let yaml = "version: 1
name: a
steps:
  - id: both
    parallel: true
    steps:
      - { id: a, type: value }
      - { id: b, type: value, config: '{{ steps.a.output }}' }
      - id: c # the third
        type: value
        config: '{{ steps.a.output }}{{ steps.b.output }}{{ steps.a.status }}'
      - { id: d, needs: [], type: value, config: '{{ steps.a.output }}' }
      - type: value
        config: '{{ steps.d.output }}'
        id: 'e'
";
    let fixed = with_safe_fixes("w.yaml", yaml);
    for part in [
        "- { id: b, needs: [\"a\"], type: value,",
        "- id: c\n        needs: [\"a\", \"b\"] # the third\n        type: value",
        "- { id: d, needs: [\"a\"], type: value,",
        "id: 'e'\n        needs: [\"d\"]\n",
    ] {
        assert!(fixed.contains(part), "{part}\n{fixed}");
    }
    assert!(checked(&fixed).is_valid(), "{fixed}");

    let json = r#"{ "version": 1, "name": "a", "steps": [{ "id": "both", "parallel": true, "steps": [
        { "id": "a", "type": "value" },
        { "id": "b", "type": "value", "config": "{{ steps.a.output }}" }
    ] }] }"#;
    let fixed = with_safe_fixes("w.json", json);
    assert!(fixed.contains(r#"{ "id": "b", "needs": ["a"], "type""#), "{fixed}");
    assert!(checked(&fixed).is_valid(), "{fixed}");
}

#[test]
fn items_exist_only_for_loops() {
    let steps = "
- { id: a, type: value }
- { id: b, type: value, config: '{{ steps.a.«items» }}{{ steps.a.«result» }}{{ steps.a.«outptu» }}{{ «item» }}{{ «index» }}' }
- { id: c, type: value, foreach: { in: [1], as: order }, config: '{{ «item» }}{{ order }}{{ index }}' }
";
    let messages = check(steps, &["E124"; 6]);
    assert_eq!(messages[0], "`a` has no `items`");
    assert_eq!(messages[5], "there is nothing called `item`");
}
