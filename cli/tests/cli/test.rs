//! Test files, without a server.

use insta::assert_snapshot;

use crate::place::Place;

const DOCUMENT: &str = "version: 1
name: order
inputs: { id: { type: string } }
steps:
  - { id: fetch, type: http.request, config: { url: 'https://shop.example.test/{{ inputs.id }}' } }
  - { id: night, type: wait, config: { for: 12h } }
output: '{{ steps.fetch.output.body }}'
";

const TESTS: &str = "workflow: ../order.yaml
cases:
  - name: an order
    inputs: { id: IL1 }
    outcomes: { fetch: { output: { body: 7 } } }
    expect: { output: 7, took: 12h }
  - name: another order
    inputs: { id: IL2 }
    outcomes: { fetch: { output: { body: 7 } } }
    expect: { output: 8 }
";

fn place() -> Place {
    let place = Place::new(vec![]);
    std::fs::create_dir(place.folder.path().join("tests")).expect("make a folder");
    place.write("order.yaml", DOCUMENT);
    place.write("tests/order.test.yaml", TESTS);
    place
}

#[tokio::test]
async fn each_case_is_a_line_and_a_failure_shows_the_difference() {
    let place = place();
    let output = place.run(&["test"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert_snapshot!("test", String::from_utf8_lossy(&output.stdout));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1 of 2 cases failed\n");

    let printed = place.ask(&["test", "--filter", "an order", "tests/order.test.yaml"]).await;
    assert!(printed.contains("ok  1 file, 1 case  "), "{printed}");
    assert_eq!(place.run(&["test", "--filter", "nothing"]).await.status.code(), Some(4));
}

#[tokio::test]
async fn programs_get_an_object_a_case() {
    let output = place().run(&["test", "--json"]).await;
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["case"], &rows[0]["passed"]), (&"an order".into(), &true.into()));
    assert_eq!((&rows[0]["took_ms"], &rows[0]["attempts"]), (&43_200_000.into(), &1.into()));
    assert_eq!(rows[1]["diagnostics"][0]["code"], "E405");
    assert_eq!(rows[1]["diagnostics"][0]["path"], "/cases/1/expect/output");
}

#[tokio::test]
async fn what_cannot_be_run_is_invalid() {
    let place = place();
    place.write("order.yaml", &DOCUMENT.replace("http.request", "http.requst"));
    let output = place.run(&["test"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("error[E114]"), "the document is shown");
    place.write("tests/order.test.yaml", "workflow: none.yaml\ncases: []\n");
    assert_eq!(place.run(&["test"]).await.status.code(), Some(3));
    place.write("tests/order.test.yaml", "workflow: ../order.yaml\ncase: []\n");
    assert_eq!(place.run(&["test"]).await.status.code(), Some(3));
    assert_eq!(Place::new(vec![]).run(&["test"]).await.status.code(), Some(2), "no tests at all");
}

#[tokio::test]
async fn a_case_that_an_expression_brought_down_shows_the_documents_line() {
    let place = place();
    place.write("order.yaml", &DOCUMENT.replace("output.body }}", "output.body.rows.total }}"));
    place.write("tests/order.test.yaml", &TESTS.replace("body: 7", "body: { rows: { totals: 7 } }"));
    let output = place.run(&["test", "--filter", "an order"]).await;
    assert_eq!(output.status.code(), Some(3));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "error[E405]: the run is failed, not succeeded",
        "error[E301]: `steps.fetch.output.body.rows.total` does not exist",
        "order.yaml, line 7:13\n",
        "= found: totals\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("= run:"), "there is no run to show: {shown}");
}
