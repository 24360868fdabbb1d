//! The long-running processes: how they say that they are ready, and how they end.

use nix::sys::signal::Signal;
use onward_testkit::standin::StandIn;
use onward_testkit::{TestDatabase, wait_until};

use crate::place::{DEADLINE, Place, example, send_signal};

#[tokio::test(flavor = "multi_thread")]
async fn one_line_says_that_it_is_ready_and_a_signal_ends_it_well() {
    let place = Place::new(vec![]);
    let mut server = place.serve(&["serve"]).await;
    let ready: Vec<String> = server.lines().into_iter().filter(|line| line.starts_with("ready")).collect();
    assert_eq!(ready.len(), 1, "{ready:?}");
    assert!(ready[0].contains(&format!("http://{}   postgres private ", place.listen)), "{ready:?}");
    assert!(ready[0].ends_with("   worker with 100 seats"), "{ready:?}");
    assert_eq!(place.run(&["doctor", "--probe", "live"]).await.status.code(), Some(0));

    assert_eq!(server.terminate().await.code(), Some(0));
    server.wait_for_line("stopping: ").await;
    let probe = place.run(&["doctor", "--probe", "ready"]).await;
    assert_eq!(probe.status.code(), Some(8));
    assert!(probe.stdout.is_empty() && probe.stderr.is_empty(), "a probe prints nothing: {probe:?}");

    let mut again = place.serve(&["serve", "--no-worker"]).await;
    let ready = again.wait_for_line("ready").await;
    assert!(ready.contains(", started in ") && !ready.contains("seats"), "{ready}");
    assert_eq!(again.terminate().await.code(), Some(0));
}

/// A drain lets the attempt in flight finish; a second signal does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_waits_for_the_attempt_and_a_second_signal_does_not() {
    for (signals, query) in [(1, "{ delay_ms: 1500 }"), (2, "{ fault: hang }")] {
        let database = TestDatabase::new().await;
        let shop = StandIn::start().await.expect("the shop opens");
        let mut place = Place::new(vec![
            ("DATABASE_URL", database.url()),
            ("ONWARD_HTTP_HOSTS", format!("shop.test={}", shop.address())),
            ("ONWARD_ALLOW_HTTP_HOSTS", "1".to_owned()),
        ]);
        place.make_key().await;
        let mut server = place.serve(&["serve"]).await;
        let request =
            format!("{{ id: ask, type: http.request, config: {{ url: http://shop.test/rates, query: {query} }} }}");
        place.write("slow.yaml", &format!("version: 1\nname: slow\nsteps: [{request}]\n"));
        place.ask(&["deploy", "--yes", "slow.yaml"]).await;
        place.ask(&["run", "slow", "--detach"]).await;
        wait_until(DEADLINE, "the request to arrive", async || shop.totals().requests == 1).await;
        send_signal(server.id(), Signal::SIGTERM);
        server.wait_for_line("stopping: ").await;
        if signals == 2 {
            send_signal(server.id(), Signal::SIGTERM);
        }
        assert_eq!(server.wait().await.code(), Some(if signals == 1 { 0 } else { 130 }));
        let stored = "select count(*) from onward.checkpoint where path = 'ask' and status = 'succeeded'";
        let stored: i64 = sqlx::query_scalar(stored).fetch_one(&database.pool().await).await.expect("count");
        assert_eq!(stored, i64::from(signals == 1), "{signals} signal(s)");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_is_exit_8() {
    let place = Place::new(vec![("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none".to_owned())]);
    for command in [&["serve"][..], &["worker"], &["keys", "list"], &["migrate", "status"], &["doctor"]] {
        let output = place.run(command).await;
        assert_eq!(output.status.code(), Some(8), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_said_to_be() {
    let database = TestDatabase::new().await;
    let place = Place::new(vec![("DATABASE_URL", database.url())]);
    let _server = place.serve(&["serve"]).await;
    let second = place.run(&["serve"]).await;
    assert_eq!(second.status.code(), Some(1));
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains(&format!("{} is taken", place.listen)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_around_the_address_guard_have_to_be_allowed() {
    let database = TestDatabase::new().await;
    let place =
        Place::new(vec![("DATABASE_URL", database.url()), ("ONWARD_HTTP_HOSTS", "shop.test=127.0.0.1:1".to_owned())]);
    for command in ["serve", "worker"] {
        let output = place.run(&[command]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-http-hosts"));
    }
    assert_eq!(place.run(&["validate", &example("hello.yaml")]).await.status.code(), Some(0), "not its business");
    let mut worker = place.serve(&["worker", "--allow-http-hosts"]).await;
    assert_eq!(worker.terminate().await.code(), Some(0));
}
