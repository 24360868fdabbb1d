//! Secrets: declared before they are read, and read only where no history keeps them.

#[path = "kit/checking.rs"]
mod checking;

use checking::{check_marked, checked};

#[track_caller]
fn check(lines: &str, codes: &[&str]) -> Vec<String> {
    let found = check_marked(&format!("version: 1\nname: a\n{lines}\n"), codes);
    found.into_iter().map(|found| format!("{}: {}", found.message, found.label.unwrap_or_default())).collect()
}

/// One step of this kind reads a secret that is declared.
#[track_caller]
fn check_step(step: &str, codes: &[&str]) {
    check(&format!("secrets: [KEY]\nsteps:\n- {{ id: a, {step} }}"), codes);
}

#[test]
fn only_declared_secrets_can_be_read() {
    let steps =
        "steps: [{ id: a, type: http.request, config: { url: 'https://a.test', body: '{{ secrets.«KEY» }}' } }]";
    assert_eq!(check(steps, &["E109"]), ["the secret `KEY` is not declared: only declared secrets can be read"]);
    let said = check(&format!("secrets: [KEYS]\n{steps}"), &["E109"]);
    assert_eq!(said, ["the secret `KEY` is not declared: did you mean `KEYS`?"]);
    check(&format!("secrets: [KEY]\n{}", steps.replace(['«', '»'], "")), &[]);
    check(&steps.replace("secrets.«KEY»", "secrets[\"«KEY»\"]"), &["E109"]);
}

#[test]
fn secrets_are_read_in_the_config_of_work_only() {
    check_step("type: http.request, config: { url: 'https://a.test', body: { deep: ['{{ secrets.KEY }}'] } }", &[]);
    check_step(
        "type: value, compensate: { type: http.request, config: { url: 'https://a.test/{{ secrets.KEY }}' } }",
        &[],
    );
    let work = "type: http.request, config: { url: 'https://a.test' }";
    check_step(&format!("{work}, output: '{{{{ «secrets».KEY }}}}'"), &["E124"]);
    check_step(&format!("{work}, if: «secrets».KEY == 'x'"), &["E124"]);
    check_step(&format!("{work}, expect: output.body != «secrets».KEY"), &["E124"]);
    check_step(&format!("{work}, retry: {{ if: «secrets».KEY == 'x' }}"), &["E124"]);
    check_step(&format!("{work}, idempotency_key: '{{{{ «secrets».KEY }}}}'"), &["E124"]);
    check_step(&format!("{work}, cache: {{ ttl: 1h, key: '{{{{ «secrets».KEY }}}}' }}"), &["E124"]);
    check_step(&format!("{work}, rate_limit: {{ limit: 1, per: 1s, key: '{{{{ «secrets».KEY }}}}' }}"), &["E124"]);
    check_step(&format!("{work}, foreach: '{{{{ «secrets».KEY }}}}'"), &["E124"]);
    for step in ["value, config", "log, config: { message: x }, output", "emit, config: { event: x }, output"] {
        check_step(&format!("type: {step}: '{{{{ «secrets».KEY }}}}'"), &["E124"]);
    }
    check_step("type: call, config: { workflow: b, input: { key: '{{ «secrets».KEY }}' } }", &["E124"]);
    check_step("type: wait_for_event, timeout: 1h, config: { event: x, key: '{{ «secrets».KEY }}' }", &["E124"]);
    let steps = "steps: [{ id: a, type: value }]";
    check(&format!("secrets: [KEY]\nvariables: {{ key: '{{{{ «secrets».KEY }}}}' }}\n{steps}"), &["E124"]);
    check(&format!("secrets: [KEY]\noutput: '{{{{ «secrets».KEY }}}}'\n{steps}"), &["E124"]);
    check(&format!("secrets: [KEY]\nidempotency_key: '{{{{ «secrets».KEY }}}}'\n{steps}"), &["E124"]);
}

#[test]
fn the_list_has_names_and_an_end() {
    let steps = "steps: [{ id: a, type: value }]";
    let list = |list: &str, codes: &[&str]| check(&format!("secrets: {list}\n{steps}"), codes);
    list("[AIRTABLE_TOKEN, a1, _b]", &[]);
    list("«{ A: b }»", &["E105"]);
    list("[«5»]", &["E105"]);
    list("[«1A», «a-b», «A.B»]", &["E112", "E112", "E112"]);
    list("[A, «A»]", &["E104"]);
    list(&format!("[«{}»]", "A".repeat(101)), &["E115"]);
    let names = |count: usize| (0..count).map(|n| format!("S{n}")).collect::<Vec<_>>().join(", ");
    list(&format!("[{}]", names(50)), &[]);
    list(&format!("[{}, «LAST»]", names(50)), &["E115"]);
}

#[test]
fn a_webhook_s_signature_names_a_declared_secret() {
    let trigger = |secret: &str| {
        format!(
            "secrets: [SHOP]\ntriggers: [{{ type: webhook, config: {{ signature: {{ scheme: github, secret: {secret} }} }} }}]\n\
             steps: [{{ id: a, type: value }}]"
        )
    };
    check(&trigger("'{{ secrets.SHOP }}'"), &[]);
    check(&trigger("'{{secrets.SHOP}}'"), &[]);
    let said = check(&trigger("«hunter2hunter2»"), &["E105"]);
    assert_eq!(said, ["`secret` must name a secret: a value in the document could be read by everybody"]);
    check(&trigger("«'{{ inputs.secret }}'»"), &["E105"]);
    let said = check(&trigger("'{{ secrets.«SHOPS» }}'"), &["E109"]);
    assert_eq!(said, ["the secret `SHOPS` is not declared: did you mean `SHOP`?"]);
    check(&trigger("«'{{ secrets.SHOP | upper }}'»"), &["E105"]);
}

#[test]
fn declared_secrets_arrive_in_the_definition() {
    let text = "version: 1\nname: a\nsecrets: [B, A]\nsteps: [{ id: a, type: value }]\n";
    assert_eq!(checked(text).definition.expect("the document is right").secrets, ["B", "A"]);
}
