//! HTTP itself: methods, headers, ids of requests, and who is asked for a key.

use std::collections::BTreeSet;

use serde_json::json;

use crate::server::{Server, orders};

const JSON: (&str, &str) = ("content-type", "application/json");
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/metrics"];

/// The methods that a path offers, from its own mouth.
async fn offered(server: &Server, path: &str) -> BTreeSet<String> {
    let answer = server.raw("OPTIONS", path, &[], b"").await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (405, Some("method_not_allowed")), "{path}");
    let allow = answer.header("allow").unwrap_or_else(|| panic!("{path} does not say what it allows: {}", answer.head));
    allow.split(',').map(|method| method.trim().to_owned()).collect()
}

#[tokio::test]
async fn every_route_but_the_public_ones_asks_for_a_key() {
    let server = Server::start().await;
    let mut asked = 0;
    for path in onward_api::paths() {
        let concrete = format!(
            "/api/v1{}",
            path.replace("{id}", "x").replace("{name}", "x").replace("{path}", "x").replace("{*endpoint}", "a/b")
        );
        let expected = match path {
            path if PUBLIC.contains(&path) => 200,
            // Its signature is its key.
            "/files/{id}/{name}" => 404,
            // Without its secrets it lets nobody in.
            "/webhooks/whatsapp" => 503,
            _ => 401,
        };
        for method in offered(&server, &concrete).await {
            let answer = server.raw(&method, &concrete, &[JSON], b"{}").await;
            assert_eq!(answer.status, expected, "{method} {path}");
            asked += 1;
        }
    }
    // A HEAD comes with each GET. Far fewer would mean that the paths no longer tell what they offer.
    assert!(asked > 30, "only {asked} methods were found");
    for path in PUBLIC {
        assert_eq!(server.raw("GET", path, &[], b"").await.status, 200, "{path} at the root");
    }
}

#[tokio::test]
async fn a_method_that_is_not_offered_is_told_which_are() {
    let server = Server::start().await;
    let of = async |path: &str| offered(&server, path).await.into_iter().collect::<Vec<_>>().join(",");
    assert_eq!(of("/api/v1/runs").await, "GET,HEAD");
    assert_eq!(of("/api/v1/workflows/x").await, "GET,HEAD,PUT");
    assert_eq!(of("/api/v1/triggers/x").await, "DELETE,GET,HEAD,PATCH,POST,PUT");
    assert_eq!(of("/healthz").await, "GET,HEAD");
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    for (path, status) in [("/workflows/orders", 200), ("/workflows/nothing", 404), ("/me", 200)] {
        let head = server.send("HEAD", path, &[], b"").await;
        let get = server.send("GET", path, &[], b"").await;
        assert_eq!((head.status, &head.body), (status, &json!("")), "{path}");
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn a_request_keeps_a_harmless_id_and_gets_one_otherwise() {
    let server = Server::start().await;
    let with = async |id: &str| {
        let answer = server.raw("GET", "/api/v1/nothing", &[("x-request-id", id)], b"").await;
        let header = answer.header("x-request-id").expect("every answer has an id").to_owned();
        assert_eq!(answer.body["request_id"].as_str(), Some(header.as_str()));
        header
    };
    assert_eq!(with("shop-17.b:c_D").await, "shop-17.b:c_D");
    for strange in ["", "two words", "<script>", "quote\"", &"x".repeat(129)] {
        let made = with(strange).await;
        assert!(made.starts_with("req_") && made.len() == 30, "{strange:?} became {made}");
    }
    assert_ne!(with("").await, with("").await);
}

#[tokio::test]
async fn answers_say_what_they_are() {
    let server = Server::start().await;
    assert_eq!(server.get("/runs").await.header("content-type"), Some("application/json"));
    let metrics = server.raw("GET", "/metrics", &[], b"").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let json = ("content-type", "application/JSON; charset=utf-8");
    let made = server.send("POST", "/workflows", &[json], orders().to_string().as_bytes()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let event = ("content-type", "application/vnd.shop+json");
    assert_eq!(server.send("POST", "/triggers/orders", &[event], br#"{"order_id":"1"}"#).await.status, 202);
}

#[tokio::test]
async fn a_known_document_is_not_sent_again() {
    let server = Server::start().await;
    assert_eq!(server.post("/workflows", &orders()).await.status, 201);
    for known in ["\"v1\"", "W/\"v1\"", "\"v7\", \"v1\"", "*"] {
        let answer = server.send("GET", "/workflows/orders", &[("if-none-match", known)], b"").await;
        assert_eq!((answer.status, answer.header("etag")), (304, Some("\"v1\"")), "{known}");
        assert_eq!(answer.body, json!(""));
    }
    for other in ["\"v2\"", "v1", "\"v11\""] {
        assert_eq!(server.send("GET", "/workflows/orders", &[("if-none-match", other)], b"").await.status, 200);
    }
}
