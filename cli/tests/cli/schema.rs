//! The schema that editors complete from is the one in the repository.

use std::path::Path;

use serde_json::Value;

use crate::place::Place;

#[tokio::test]
async fn the_schema_in_the_repository_is_the_printed_one() {
    let place = Place::new(vec![]);
    let printed = place.ask(&["schema"]).await;
    place.ask(&["schema", "--out", "there.json"]).await;
    assert_eq!(std::fs::read_to_string(place.folder.path().join("there.json")).expect("read the file"), printed);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/schema/workflow.schema.json");
    let kept = std::fs::read_to_string(file).expect("read the schema");
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("a schema is JSON");
    assert!(
        read(&printed) == read(&kept),
        "renew it with: cargo run -p onward-cli -- schema --out workflows/schema/workflow.schema.json"
    );
}
