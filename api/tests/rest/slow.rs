//! Clients that take their time: each is cut off sooner or later, and none keeps the others waiting.

use std::time::Duration;

use onward_api::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::Server;

const DEADLINE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

fn patient_for(head_timeout: Duration) -> Settings {
    Settings { head_timeout, ..Settings::default() }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.expect("connect")
}

/// What the server still says before it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("the server closes it");
    read.expect("a clean end");
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_finishes_its_head_is_cut_off() {
    let server = Server::start_with(patient_for(SHORT)).await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: onw").await.expect("send half a head");
    assert!(!rest(&mut stream).await.contains("200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_serves_again_and_ends_when_nothing_comes() {
    let server = Server::start_with(patient_for(SHORT)).await;
    let mut stream = connect(&server).await;
    for _ in 0..2 {
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: onward.test\r\n\r\n").await.expect("send a request");
        let mut answer = [0; 15];
        timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("an answer comes").expect("all of its head");
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        let mut byte = [0];
        while byte != [b'}'] {
            stream.read_exact(&mut byte).await.expect("read up to the end of the body");
        }
    }
    assert_eq!(rest(&mut stream).await, "", "silence, then the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_of_idle_connections_makes_room() {
    let server = Server::start_with(Settings { connections_max: 3, ..patient_for(SHORT) }).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        idle.push(connect(&server).await);
    }
    let answer = timeout(DEADLINE, server.get("/healthz")).await.expect("a place becomes free");
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_gives_its_place_back() {
    let settings = Settings { connections_max: 1, write_timeout: SHORT, ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut deaf = connect(&server).await;
    let requests = "GET /nothing HTTP/1.1\r\nhost: onward.test\r\n\r\n".repeat(1_000);
    // Until the answers fill every buffer on the way, the server takes more.
    let send = async { while deaf.write_all(requests.as_bytes()).await.is_ok() {} };
    timeout(DEADLINE, send).await.expect("the server closes it");
    let answer = timeout(DEADLINE, server.get("/healthz")).await.expect("its place becomes free");
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_finishes_its_body_is_told_so() {
    let server = Server::start_with(Settings { body_timeout: SHORT, ..Settings::default() }).await;
    let mut stream = connect(&server).await;
    let head = format!(
        "POST /api/v1/workflows HTTP/1.1\r\nhost: onward.test\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\n{{",
        server.key
    );
    stream.write_all(head.as_bytes()).await.expect("send half a body");
    let mut answer = [0; 12];
    timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("an answer comes").expect("all of its head");
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_before_his_body_is_waited_for() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let head = "POST /api/v1/workflows/deploy HTTP/1.1\r\nhost: onward.test\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("send a head");
    let mut answer = [0; 12];
    timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("an answer comes").expect("all of its head");
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_not_taken_for_a_slow_database() {
    let server = Server::start_with(Settings { answer_timeout: SHORT, ..Settings::default() }).await;
    let mut stream = connect(&server).await;
    let head = format!(
        "POST /api/v1/workflows/deploy HTTP/1.1\r\nhost: onward.test\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 16\r\n\r\n{{\"documents\"",
        server.key
    );
    stream.write_all(head.as_bytes()).await.expect("send half a body");
    let mut answer = [0; 12];
    let early = timeout(3 * SHORT, stream.read_exact(&mut answer)).await;
    assert!(early.is_err(), "it was not waited for: {}", String::from_utf8_lossy(&answer));
    stream.write_all(b":[]}").await.expect("send the other half");
    timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("an answer comes").expect("all of its head");
    assert_eq!(&answer, b"HTTP/1.1 200");
}
