//! A database that goes away and comes back, and clients that take their time.

use std::path::PathBuf;
use std::time::Duration;

use crate::server::{Server, orders};
use onward_api::Settings;
use onward_testkit::{TestDatabase, wait_until};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

const DEADLINE: Duration = Duration::from_secs(20);

/// A way to the database that can be cut: connections break at once, new ones are refused.
struct Line {
    port: u16,
    cut: watch::Sender<bool>,
}

impl Line {
    async fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind a port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (cut, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (socket, mut is_cut) = (socket.clone(), is_cut.clone());
                if *is_cut.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let mut database = UnixStream::connect(socket).await.expect("reach the test server");
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut database) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { port, cut }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_503_and_comes_back_without_a_restart() {
    let database = TestDatabase::new().await;
    let direct = database.options();
    let folder = direct.get_socket().expect("the test server listens on a unix socket").clone();
    let line = Line::to(folder.join(format!(".s.PGSQL.{}", direct.get_port()))).await;
    let detour = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(line.port)
        .username(direct.get_username())
        .database(direct.get_database().expect("a test database has a name"));
    let server = Server::start_on(database, detour, Settings::default()).await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    assert_eq!(server.post("/triggers/orders", &json!({ "order_id": "1" })).await.status, 202);

    line.cut.send_replace(true);
    let refused = server.post("/triggers/orders", &json!({ "order_id": "2" })).await;
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
async fn a_client_that_never_finishes_its_head_is_cut_off() {
    let settings = Settings { head_timeout: Duration::from_millis(200), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connect");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: onw").await.expect("send half a head");
    let mut rest = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest))
        .await
        .expect("the server closes it")
        .expect("a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_give_their_places_back() {
    let settings = Settings { head_timeout: Duration::from_millis(200), connections_max: 3, ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(server.address).await.expect("connect"));
    }
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_finishes_its_body_is_told_so() {
    let settings = Settings { body_timeout: Duration::from_millis(200), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connect");
    let head = format!(
        "POST /api/v1/workflows HTTP/1.1\r\nhost: onward.test\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\n{{",
        server.key
    );
    stream.write_all(head.as_bytes()).await.expect("send half a body");
    let mut answer = [0; 12];
    tokio::time::timeout(DEADLINE, stream.read_exact(&mut answer))
        .await
        .expect("an answer comes")
        .expect("all of its head");
    assert_eq!(&answer, b"HTTP/1.1 408");
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
