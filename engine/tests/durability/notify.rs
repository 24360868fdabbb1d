//! Wake-ups never ride in the transaction of what they announce: a notification holds a database-wide lock at commit.

use std::fs;
use std::path::Path;

#[test]
fn one_statement_notifies_and_does_nothing_else() {
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut notifying: Vec<String> = fs::read_dir(queries)
        .expect("the queries are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|file| fs::read_to_string(file).expect("a text").contains("pg_notify"))
        .map(|file| file.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    notifying.sort();
    assert_eq!(notifying, ["notify_wakes.sql"]);
    let statement = include_str!("../../queries/notify_wakes.sql").to_lowercase();
    assert!(!statement.contains("insert") && !statement.contains("update"), "{statement}");
}
