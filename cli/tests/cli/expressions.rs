//! Expressions over the data of real runs: what fails is shown at its line, and anything can be tried out.

use onward_testkit::{Process, TestDatabase};
use serde_json::{Value, json};

use crate::place::Place;

/// Line 14 is too short for some orders.
const DELIVER: &str = "version: 1
name: deliver
inputs: { orders: { type: array } }
variables: { greeting: 'Shalom, {{ inputs.orders | length }}' }
labels: { team: visas }
steps:
  - { id: read-all, type: value, config: '{{ inputs.orders }}' }
  - id: deliver
    foreach: { in: '{{ steps.read_all.output }}', as: order }
    steps:
      - id: send
        type: value
        config:
          to: '{{ order.fields.Phone }}'
output: '{{ steps.deliver.output }}'
";

async fn served() -> (Place, Process, TestDatabase) {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let server = place.serve(&["serve"]).await;
    place.write("deliver.yaml", DELIVER);
    place.ask(&["deploy", "--yes", "deliver.yaml"]).await;
    (place, server, database)
}

/// The run's id, what standard output says, and the exit code.
async fn run(place: &Place, orders: Value) -> (String, String, Option<i32>) {
    let output = place.run(&["run", "deliver", "-i", &format!("orders={orders}")]).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let talk = text(&output.stderr);
    (talk.split_whitespace().next().unwrap_or_default().to_owned(), text(&output.stdout), output.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_an_expression_brought_down_shows_the_line_of_its_version() {
    let (place, _server, _database) = served().await;
    let good = json!({ "fields": { "Phone": "+999501234567" } });
    let bad = json!({ "fields": { "ID": 7, "Phone number": "+999501234568" } });
    let (id, out, code) = run(&place, json!([good, bad])).await;
    assert_eq!(code, Some(1), "{out}");
    let shown = format!(
        "error[E301]: `order.fields.Phone` does not exist
  --> deliver v1, step deliver[1].send, line 14:19
   |
14 |           to: '{{{{ order.fields.Phone }}}}'
   |                   ^^^^^^^^^^^^^^^^^^ no `Phone` here
   |
   = found: ID, \"Phone number\"
   = help: `order.fields['Phone number']`, or `order.fields.Phone | default(none)` if it may be missing
   = run:  onward runs show {id} --step 'deliver[1].send'
"
    );
    assert!(out.ends_with(&shown), "{out}");

    // A newer version has other lines; the run keeps its own.
    place.write("deliver.yaml", &DELIVER.replace("steps:\n  -", "# moved\nsteps:\n  -"));
    place.ask(&["deploy", "--yes", "deliver.yaml"]).await;
    let page = place.ask(&["runs", "show", &id]).await;
    assert!(page.contains(&shown) && !page.contains("why:"), "{page}");
    let step = place.ask(&["runs", "show", &id, "--step", "deliver[1].send"]).await;
    assert!(step.starts_with("deliver[1].send  value  ✗ failed") && step.contains(&shown), "{step}");
    let well = place.ask(&["runs", "show", &id, "--step", "read-all"]).await;
    assert!(well.contains("1 attempt\noutput: ["), "{well}");
    let output = place.run(&["runs", "show", &id, "--step", "deliver.send"]).await;
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(4) && talk.contains("there are: read-all, deliver"), "{talk}");

    let detail: Value = serde_json::from_str(&place.ask(&["runs", "show", &id, "--json"]).await).expect("JSON");
    let found = &detail["diagnostic"];
    assert_eq!((&found["code"], &found["range"]["start"]["line"]), (&json!("E301"), &json!(14)));
    assert_eq!(found["path"], "/steps/1/steps/0/config/to");
    assert_eq!(detail["error"]["details"]["found"]["keys"], json!(["ID", "Phone number"]));
    let steps = detail["steps"].as_array().expect("steps");
    let failed = steps.iter().find(|step| step["path"] == "deliver").expect("the step");
    assert_eq!(&failed["diagnostic"], found, "the same object everywhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_is_tried_out_over_the_data_of_a_run() {
    let (place, _server, _database) = served().await;
    let good = json!({ "fields": { "Phone": "+999501234567" } });
    let (id, out, code) = run(&place, json!([good, good])).await;
    assert_eq!(code, Some(0), "{out}");
    let ask = async |text: &str| place.ask(&["eval", text, "--run", &id]).await;
    for (text, value) in [
        ("inputs.orders | length", "2"),
        ("variables.greeting", "Shalom, 2"),
        ("trigger.type", "manual"),
        ("env", "{}"),
        ("steps.deliver.output[1].to", "+999501234567"),
        ("steps.read_all.output[0].fields.Phone == steps['read-all'].output[0].fields.Phone", "true"),
        ("steps.deliver.status ~ ' ' ~ steps.deliver.attempts", "succeeded 1"),
        ("steps.deliver.error", "null"),
        ("run.id", id.as_str()),
        ("run.status ~ ' ' ~ run.labels.team", "succeeded visas"),
        ("workflow.id ~ ' ' ~ workflow.name ~ ' ' ~ workflow.version", "deliver deliver 1"),
        ("Hello {{ inputs.orders[0].fields.Phone }}", "Hello +999501234567"),
    ] {
        assert_eq!(ask(text).await.trim_end(), value, "{text}");
    }
    assert_eq!(place.ask(&["eval", "inputs.orders", "--run", &id, "-i", "orders=1"]).await, "1\n");

    let output = place.run(&["eval", "secrets.TOKEN", "--run", &id]).await;
    assert_eq!(output.status.code(), Some(1), "secrets are not told");
    let output = place.run(&["eval", "steps.deliverr.output", "--run", &id]).await;
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && talk.contains("help: `steps.deliver.output`"), "{talk}");
    let nobody = "run_00000000000000000000000000";
    assert_eq!(place.run(&["eval", "1", "--run", nobody]).await.status.code(), Some(4));
    assert_eq!(place.run(&["eval", "1", "--run", &id, "--data", "x.json"]).await.status.code(), Some(2));

    let (failed, ..) = run(&place, json!([{ "fields": {} }])).await;
    let ask = async |text: &str| place.ask(&["eval", text, "--run", &failed]).await;
    assert_eq!(ask("run.status ~ ' ' ~ run.error.kind").await, "failed expression\n");
    assert_eq!(ask("run.error.code").await, "null\n", "a field without a value is there, as in a run");
}
