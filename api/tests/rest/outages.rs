//! A database that goes away, or falls silent, and comes back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::server::{Server, orders};
use onward_api::Settings;
use onward_testkit::{TestDatabase, wait_until};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);
/// A caller hears within this that the database is down.
const NOTICED_MAX: Duration = Duration::from_secs(10);

/// A way to the database that can be cut (connections break at once, new ones are refused) or stalled (they stay, and
/// nothing gets through).
struct Line {
    port: u16,
    cut: watch::Sender<bool>,
    stalled: watch::Sender<bool>,
}

impl Line {
    async fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind a port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (cut, is_cut) = watch::channel(false);
        let (stalled, is_stalled) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (socket, mut is_cut) = (socket.clone(), is_cut.clone());
                if *is_cut.borrow() {
                    continue;
                }
                let mut is_stalled = is_stalled.clone();
                tokio::spawn(async move {
                    let mut database = UnixStream::connect(socket).await.expect("reach the test server");
                    let copy = copy_bidirectional(&mut client, &mut database);
                    tokio::pin!(copy);
                    loop {
                        let _ = is_stalled.wait_for(|stalled| !*stalled).await;
                        tokio::select! {
                            _ = &mut copy => return,
                            _ = is_cut.wait_for(|cut| *cut) => return,
                            _ = is_stalled.wait_for(|stalled| *stalled) => {}
                        }
                    }
                });
            }
        });
        Self { port, cut, stalled }
    }
}

/// A server with a workflow, that reaches its database over a line.
async fn with_line(settings: Settings) -> (Server, Line) {
    let database = TestDatabase::new().await;
    let direct = database.options();
    let folder = direct.get_socket().expect("the test server listens on a unix socket").clone();
    let line = Line::to(folder.join(format!(".s.PGSQL.{}", direct.get_port()))).await;
    let detour = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(line.port)
        .username(direct.get_username())
        .database(direct.get_database().expect("a test database has a name"));
    let server = Server::start_on(database, detour, settings).await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    (server, line)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_503_and_comes_back_without_a_restart() {
    let (server, line) = with_line(Settings::default()).await;
    assert_eq!(server.post("/triggers/orders", &json!({ "order_id": "1" })).await.status, 202);

    line.cut.send_replace(true);
    let asked_at = Instant::now();
    let refused = server.post("/triggers/orders", &json!({ "order_id": "2" })).await;
    assert!(asked_at.elapsed() < NOTICED_MAX, "it took {:?} to notice", asked_at.elapsed());
    assert_eq!((refused.status, refused.body["code"].as_str()), (503, Some("unavailable")), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/livez").await.status, 200, "the process itself is well");

    line.cut.send_replace(false);
    wait_until(DEADLINE, "the server to accept again", async || {
        server.post("/triggers/orders", &json!({ "order_id": "3" })).await.status == 202
    })
    .await;
    // The refused one was never stored; of the repeated one exactly the accepted one was.
    assert_eq!(server.count("select count(*) from onward.run where inputs->>'order_id' = '2'").await, 0);
    assert_eq!(server.count("select count(*) from onward.run").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_accepted_while_the_line_broke_is_stored() {
    const ROUNDS: u32 = 2;
    const CALLERS: u32 = 40;
    let (server, line) = with_line(Settings::default()).await;
    let server = Arc::new(server);
    let mut accepted = Vec::new();
    for round in 0..ROUNDS {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let server = Arc::clone(&server);
            callers.spawn(async move {
                let order = (round * CALLERS + caller).to_string();
                server.post("/triggers/orders", &json!({ "order_id": order })).await
            });
        }
        while let Some(answer) = callers.join_next().await {
            let answer = answer.expect("a caller does not panic");
            match answer.status {
                202 => accepted.push(answer.body["run_id"].as_str().expect("a 202 names its run").to_owned()),
                503 => assert!(answer.header("retry-after").is_some()),
                other => panic!("{other}: {}", answer.body),
            }
            // The first answer is here, others are on their way.
            line.cut.send_replace(true);
        }
        line.cut.send_replace(false);
        wait_until(DEADLINE, "the server to work again", async || server.get("/readyz").await.status == 200).await;
    }
    assert!(!accepted.is_empty());
    for run in accepted {
        assert_eq!(server.get(&format!("/runs/{run}")).await.status, 200, "{run} was accepted");
    }
    let twice = "select count(*) from (select 1 from onward.run group by inputs->>'order_id' having count(*) > 1) t";
    assert_eq!(server.count(twice).await, 0, "none was started twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_next_weeks_runs_the_server_is_not_ready() {
    let server = Server::start().await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let partition = "select inhrelid::regclass::text from pg_inherits where inhparent = 'onward.run'::regclass \
        and inhrelid::regclass::text like '%' || to_char(onward.week_of(onward.now()) + interval '1 week', 'YYYYMMDD')";
    let partition: String = sqlx::query_scalar(partition).fetch_one(server.engine.pool()).await.expect("it is there");
    let detach = sqlx::AssertSqlSafe(format!("alter table onward.run detach partition {partition}"));
    sqlx::query(detach).execute(server.engine.pool()).await.expect("detach it");
    let answer = server.get("/readyz").await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (503, Some("not_ready")), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_only_falls_silent_is_503_too() {
    let settings = Settings { answer_timeout: Duration::from_millis(500), ..Settings::default() };
    let (server, line) = with_line(settings).await;
    // Each request below is to meet a connection that is there already, and not to wait for a new one.
    futures_util::future::join_all((0..20).map(|_| server.get("/runs"))).await;
    assert_eq!(server.post("/triggers/orders", &json!({ "order_id": "1" })).await.status, 202);

    line.stalled.send_replace(true);
    for (method, path, body) in [
        ("POST", "/triggers/orders", r#"{"order_id":"1"}"#),
        ("POST", "/triggers/unknown", "{}"),
        ("POST", "/workflows/orders/runs", r#"{"inputs":{"order_id":"1"}}"#),
        ("GET", "/runs", ""),
        ("GET", "/readyz", ""),
    ] {
        let asked = server.send(method, path, &[("content-type", "application/json")], body.as_bytes());
        let answer = timeout(NOTICED_MAX, asked).await.unwrap_or_else(|_| panic!("{method} {path} hangs"));
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{method} {path}: {}", answer.body);
    }

    line.stalled.send_replace(false);
    wait_until(DEADLINE, "the server to accept again", async || {
        server.post("/triggers/orders", &json!({ "order_id": "2" })).await.status == 202
    })
    .await;
    assert_eq!(server.count("select count(*) from onward.run where inputs->>'order_id' = '2'").await, 1);
}
