//! `airtable.lookup`.

use std::time::Duration;

use onward_workflows::{ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::stand::Stand;

const TYPE: &str = "airtable.lookup";

#[tokio::test]
async fn a_key_finds_its_record_whatever_its_case() {
    let stand = Stand::start().await;
    let config = |key: &str| json!({ "table": "Orders", "field": "Email", "key": key });
    let found = stand.done(TYPE, config(" CUSTOMER7@mail.test ")).await;
    assert_eq!((&found["status"], &found["count"]), (&json!("found"), &json!(1)));
    let record = &found["records"][0];
    assert_eq!((&record["id"], &record["fields"]["ID"]), (&json!("recORDER000000007"), &json!("IL260207IN0")));
    assert_eq!(record["created_time"], "2026-02-03T09:10:11.000Z");
    assert_eq!(record["fields"].get("Note"), None, "an empty cell is not there");
    let none = stand.done(TYPE, config("nobody@mail.test")).await;
    assert_eq!(none, json!({ "status": "none", "count": 0, "records": [] }));
    let many = stand.done(TYPE, json!({ "table": "Orders", "field": "Country", "key": "הודו" })).await;
    assert_eq!((&many["status"], &many["count"]), (&json!("multiple"), &json!(3)));
}

#[tokio::test]
async fn a_key_cannot_leave_the_formula() {
    let stand = Stand::start().await;
    for key in ["' OR TRUE() & '", r"\' OR TRUE() & \'", r"x\", "\"", "}{"] {
        let found = stand.done(TYPE, json!({ "table": "Orders", "field": "ID", "key": key })).await;
        assert_eq!(found["status"], "none", "{key}");
    }
}

#[tokio::test]
async fn all_pages_are_read_even_when_they_are_short() {
    let stand = Stand::start().await;
    stand.standin.services().airtable.short_pages = true;
    let config = json!({ "table": "Applications", "view": "All", "fields": ["ID"] });
    let found = stand.done(TYPE, config.clone()).await;
    assert_eq!(found["count"], 80);
    assert_eq!(found["records"][79]["fields"], json!({ "ID": "E260240ISR2" }));
    let some = stand.done(TYPE, json!({ "table": "Applications", "view": "All", "max_records": 53 })).await;
    assert_eq!(some["count"], 53);
    stand.standin.services().airtable.expire_cursors = 1;
    assert_eq!(stand.done(TYPE, config.clone()).await["count"], 80, "the listing begins again");
    stand.standin.services().airtable.expire_cursors = 1_000;
    let error = stand.failed(TYPE, config).await;
    assert!(error.retryable && error.message.contains("its cursor expired"), "{error:?}");
}

#[tokio::test]
async fn linked_records_come_with_the_record() {
    let stand = Stand::start().await;
    let config = json!({ "table": "Orders", "field": "ID", "key": "IL260203IN3", "expand": ["Applications"] });
    let found = stand.done(TYPE, config).await;
    let expanded = &found["records"][0]["expanded"]["Applications"];
    assert_eq!(expanded[0]["fields"]["Applicant Name"], "נוסע 3.1");
    assert_eq!(expanded.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_long_formula_goes_as_a_body() {
    let stand = Stand::start().await;
    let terms: Vec<String> = (1..900).map(|number| format!("RECORD_ID()='recORDER{number:09}'")).collect();
    let config = json!({ "table": "Orders", "filter": format!("OR({})", terms.join(",")) });
    assert_eq!(stand.done(TYPE, config).await["count"], 40);
    let requests = stand.standin.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].query.len()), ("POST", 0));
    assert!(requests[0].path.ends_with("/Orders/listRecords"));
}

#[tokio::test]
async fn two_kinds_of_too_much_are_told_apart() {
    let stand = Stand::start().await;
    let config = json!({ "table": "Orders", "view": "All" });
    stand.standin.services().fail("/airtable", &[("fault", "429")], 1);
    let error = stand.failed(TYPE, config.clone()).await;
    assert!(error.retryable && error.retry_after_ms >= Some(30_000), "{error:?}");
    // The whole base rests: the next request would only make it longer.
    let wait = onward_steps::Backing::reserve(&stand.alone, &stand.steps.bounds(TYPE, &config)[0]).await.unwrap();
    assert!(wait > Duration::from_secs(25), "{wait:?}");
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    let stand = Stand::start().await;
    let check = async |config: Value, status: u16, code: &str| {
        let error = stand.failed(TYPE, config).await;
        assert_eq!((error.kind, error.status, error.retryable), (ErrorKind::Http, Some(status), false), "{error:?}");
        assert_eq!(error.code.as_deref(), Some(code));
    };
    check(json!({ "table": "Nope", "view": "All" }), 403, "invalid_permissions_or_model_not_found").await;
    check(json!({ "table": "Orders", "filter": "OOPS(" }), 422, "invalid_filter_by_formula").await;
    check(json!({ "table": "Orders", "view": "Nope" }), 422, "view_name_not_found").await;
    check(json!({ "table": "Orders", "view": "All", "fields": ["Nope"] }), 422, "unknown_field_name").await;
    check(json!({ "table": "Orders", "view": "All", "token": "patWRONG" }), 401, "authentication_required").await;
    check(json!({ "table": "Orders", "view": "All", "base": "xyz" }), 404, "not_found").await;
}

#[tokio::test]
async fn a_bad_hour_is_a_failure_that_passes() {
    let stand = Stand::start().await;
    let config = json!({ "table": "Orders", "view": "All" });
    for fault in ["500", "html", "drop", "reset", "cut", "garbled", "huge"] {
        stand.standin.services().fail("/airtable", &[("fault", fault)], 1);
        let error = stand.failed(TYPE, config.clone()).await;
        assert!(error.retryable, "{fault}: {error:?}");
    }
    stand.standin.services().fail("/airtable", &[("fault", "slow")], 1);
    let outcome = stand.run(TYPE, &config, "k", Duration::from_millis(300)).await;
    assert!(
        matches!(&outcome, Outcome::Failed(error) if error.kind == ErrorKind::Timeout && error.retryable),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn without_a_token_it_says_how_to_set_one() {
    let mut stand = Stand::start().await;
    stand.secrets.clear();
    let error = stand.failed(TYPE, json!({ "table": "Orders", "view": "All" })).await;
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(error.message.contains("onward secrets set AIRTABLE_TOKEN"), "{}", error.message);
}
