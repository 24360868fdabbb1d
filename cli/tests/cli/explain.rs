//! Pages about codes, types and fields.

use serde_json::Value;

use crate::place::Place;

async fn asked(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Place::new(vec![]).run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_page_is_printed_as_it_is_written() {
    let (code, out, talk) = asked(&["explain", "e107"]).await;
    assert_eq!((code, talk.as_str()), (Some(0), ""));
    assert!(out.starts_with("E107: There is no step of this name\n\nAn expression or a `needs` "), "{out}");
    assert!(out.contains("\nWrong:\n\n    version: 1\n") && out.contains("\nRight:\n\n    version: 1\n"), "{out}");
    assert!(asked(&["explain", "retry.max_delay"]).await.1.starts_with("retry: Repeating a step that failed\n\n"));
}

#[tokio::test]
async fn a_type_shows_what_this_binary_reads() {
    let (_, out, _) = asked(&["explain", "http.request"]).await;
    assert!(out.contains("\nConfig:\n\n    url               url, required\n        "), "{out}");
    assert!(out.contains("\n    method            GET | ") && out.contains("\nExample:\n\n    version: 1\n"), "{out}");
    let (_, out, _) = asked(&["explain", "job.run"]).await;
    assert!(out.contains("\nNo worker of this version offers it"), "{out}");
}

#[tokio::test]
async fn programs_get_a_page_as_an_object() {
    let (code, out, _) = asked(&["explain", "durations", "--json"]).await;
    let page: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!((code, page["topic"].as_str()), (Some(0), Some("durations")));
    assert_eq!(page["title"], "How long things are written");
    assert!(page["text"].as_str().is_some_and(|text| text.contains("    500ms   30s   5m")), "{page}");
}

#[tokio::test]
async fn an_unknown_topic_is_answered_with_the_nearest() {
    let hint = "\n  `onward explain` lists them all\n";
    let (code, out, talk) = asked(&["explain", "retyr"]).await;
    assert_eq!((code, out.as_str()), (Some(4), ""));
    assert_eq!(talk, format!("onward: there is no page about `retyr`; did you mean `retry`?{hint}"));
    assert_eq!(asked(&["explain", "E999"]).await.2, format!("onward: there is no page about `E999`{hint}"));
}

#[tokio::test]
async fn without_a_topic_all_are_listed() {
    let (code, out, talk) = asked(&["explain"]).await;
    assert_eq!((code, talk.as_str()), (Some(0), "read one with: onward explain TOPIC\n"));
    let groups: Vec<&str> = out.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
    assert_eq!(groups, ["Language", "Fields", "Step types", "Triggers", "Codes"]);
    assert!(out.contains("\n  foreach                 Doing a step for each item of a list\n"), "{out}");
    let (_, objects, _) = asked(&["explain", "--json"]).await;
    assert!(objects.lines().count() > 100);
    let first: Value = serde_json::from_str(objects.lines().next().expect("a line")).expect("an object");
    assert_eq!((first["group"].as_str(), first["topic"].as_str()), (Some("Language"), Some("expressions")));
}
