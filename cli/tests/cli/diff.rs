//! What a deploy would change, before it does.

use onward_testkit::TestDatabase;
use serde_json::Value;

use crate::place::Place;

const SLOW: &str = "version: 1
name: slow
steps:
  - { id: pause, type: wait, config: { for: 1h } }
  - { id: say, type: log, config: { message: done } }
";

async fn said(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_are_told_by_what_they_mean() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("slow.yaml", SLOW);

    let (code, out, _) = said(&place, &["diff", "--exit-code"]).await;
    assert_eq!((code, out.as_str()), (Some(9), "  + slow                     new\n"));
    place.ask(&["run", "slow.yaml", "--detach"]).await;
    let (code, out, talk) = said(&place, &["diff", "--exit-code"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "  = slow                     v1, unchanged\n"));
    assert!(talk.starts_with("no differences from http://"), "{talk}");

    place.write("slow.yaml", &format!("# only a comment\n{SLOW}"));
    let (code, out, _) = said(&place, &["diff"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "  ~ slow                     v1\n      only comments or layout\n"));

    place.write("slow.yaml", &SLOW.replace("for: 1h", "for: 2h").replace("id: say", "id: tell"));
    let expected = "\n      ~ steps.pause.config.for  1h → 2h\n      + step tell  log\n      - step say  log\n";
    let (code, out, _) = said(&place, &["diff", "--exit-code"]).await;
    assert_eq!(code, Some(9));
    assert!(out.ends_with(expected), "{out}");
    let (_, out, _) = said(&place, &["diff", "--json"]).await;
    let row: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!((row["action"].as_str(), row["changes"].as_array().map(Vec::len)), (Some("updated"), Some(3)));
    assert_eq!(row["changes"][0]["change"], "changed");

    let (code, out, talk) = said(&place, &["deploy"]).await;
    assert_eq!(code, Some(2), "nobody can be asked");
    assert!(out.contains(expected) && talk.contains("say --yes"), "{out}{talk}");
    let (code, out, _) = said(&place, &["deploy", "--yes"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("  ~ slow                     v1 → v2") && out.contains(expected), "{out}");
    assert!(out.ends_with("\n      ! 1 run of v1 is active; it finishes on v1\n"), "{out}");
    assert_eq!(said(&place, &["diff", "--exit-code"]).await.0, Some(0));

    let made: Value =
        serde_json::from_str(&place.ask(&["keys", "create", "writer", "--scopes", "workflows:write", "--json"]).await)
            .expect("a key as JSON");
    let writer = made["secret"].as_str().expect("a secret");
    place.write("slow.yaml", SLOW);
    let (code, out, talk) = said(&place, &["deploy", "--yes", "--key", writer]).await;
    assert_eq!((code, out.as_str()), (Some(0), "  ~ slow                     v2 → v3            manual\n"), "{talk}");

    place.write("slow.yaml", &SLOW.replace("type: log", "type: lok"));
    assert_eq!(said(&place, &["diff"]).await.0, Some(3));
}
