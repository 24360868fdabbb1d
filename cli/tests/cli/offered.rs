//! Step types that this program does not know, and a worker somewhere does.

use std::time::Duration;

use onward_testkit::{TestDatabase, wait_until};

use crate::place::Place;

const STAMP: &str = "version: 1
name: stamp
steps:
  - { id: stamp, type: acme.stamp, config: { on: paper } }
";
/// Another program's worker, as far as the table tells. It has beaten just now.
const WORKER: &str = "insert into onward.worker (id, host, pid, version, seats, step_types)
    values (gen_random_uuid(), 'elsewhere', 1, '0', 1, '{acme.stamp}')";

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_a_connected_worker_offers_is_listed_and_deployed_and_waited_for() {
    let database = TestDatabase::new().await;
    let mut place = Place::new(vec![("DATABASE_URL", database.url())]);
    place.make_key().await;
    let _server = place.serve(&["serve"]).await;
    place.write("stamp.yaml", STAMP);
    let unknown = place.run(&["deploy", "--yes", "stamp.yaml"]).await;
    let said = String::from_utf8_lossy(&unknown.stdout).into_owned();
    assert_eq!(unknown.status.code(), Some(3));
    assert!(said.contains("error[E114]: unknown step type `acme.stamp`"), "{said}");

    let mut connection = database.connection().await;
    sqlx::query(WORKER).execute(&mut connection).await.expect("it registers");
    let listed = place.ask(&["types", "--server", &format!("http://{}", place.listen)]).await;
    assert!(listed.contains("acme.stamp  Offered by a connected worker."), "{listed}");
    let said = place.ask(&["deploy", "--yes", "stamp.yaml"]).await;
    assert!(said.contains("+ stamp") && !said.contains("E203"), "{said}");

    let run = place.ask(&["run", "stamp", "--detach"]).await;
    let run = run.trim().to_owned();
    wait_until(Duration::from_secs(20), "the run to wait for that worker", async || {
        place.ask(&["runs", "show", &run]).await.contains("waits for: a worker that carries out acme.stamp, for stamp")
    })
    .await;
}
