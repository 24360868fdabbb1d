//! Wake-ups are sent outside the transaction that caused them: inside, they would hold a database-wide lock at commit.

use std::fs;
use std::path::Path;
use std::time::Duration;

use onward_engine::{Wake, listen};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, DEADLINE};

fn files_that_notify(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("its entries are readable").path();
        let text = fs::read_to_string(&path).expect("statements are text").to_lowercase();
        let code: String = text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
        if code.contains("pg_notify") || code.split(|c: char| !c.is_alphanumeric()).any(|word| word == "notify") {
            names.push(path.file_name().expect("a file").to_string_lossy().into_owned());
        }
    }
    names
}

#[test]
fn one_statement_alone_notifies_and_no_trigger_does() {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(files_that_notify(&engine.join("queries")), ["notify_wakes.sql"]);
    assert_eq!(files_that_notify(&engine.join("../migrations")), Vec::<String>::new());
}

#[tokio::test]
async fn a_start_in_one_process_wakes_another_that_listens() {
    let bed = Bed::new().await;
    let other = bed.another_engine().await;
    let stop = CancellationToken::new();
    let listening = tokio::spawn(listen(other.pool().clone(), other.wakes().clone(), stop.clone()));
    let listens = "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
    onward_testkit::wait_until(DEADLINE, "the other to listen", async || bed.count(listens).await == 1).await;

    bed.start().await;

    let woken = timeout(Duration::from_secs(5), other.wakes().changed()).await.expect("it is woken");
    assert_eq!(woken, [Wake::Queue("default".to_owned())]);
    stop.cancel();
    listening.await.expect("it stops listening");
}
