//! Pictures of a document, without a server.

use crate::place::Place;

const DOCUMENT: &str = "version: 1
name: both
steps:
  - { id: left, needs: [], type: value, config: 1 }
  - { id: right, needs: [], type: value, config: 2 }
  - { id: last, type: log, config: { message: done } }
";

#[tokio::test]
async fn a_document_has_three_pictures() {
    let place = Place::new(vec![]);
    place.write("both.yaml", DOCUMENT);
    let tree = place.ask(&["graph", "both.yaml"]).await;
    assert!(tree.contains("├─ right  value  ← at once\n└─ last  log  ← left, right\n"), "{tree}");
    let chart = place.ask(&["graph", "both.yaml", "--format", "mermaid"]).await;
    assert!(chart.contains("  n1 --> n3\n  n2 --> n3\n"), "{chart}");
    assert!(place.ask(&["graph", "both.yaml", "--format", "svg"]).await.ends_with("</svg>\n"));
    assert!(place.ask(&["graph", "both.yaml", "--json"]).await.starts_with("{\"format\":\"text\""));
    place.write("both.yaml", &DOCUMENT.replace("log", "lgo"));
    assert_eq!(place.run(&["graph", "both.yaml"]).await.status.code(), Some(3));
    assert_eq!(place.run(&["graph", "none.yaml"]).await.status.code(), Some(4));
    assert_eq!(place.run(&["graph", "both.yaml", "--format", "png"]).await.status.code(), Some(2));
}
