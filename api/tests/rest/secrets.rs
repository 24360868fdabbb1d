//! Secrets: written, listed without their values, kept while they are used.

use onward_engine::{Scope, SecretsKey};
use serde_json::json;

use crate::server::Server;

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn server() -> Server {
    Server::start_sealing(SecretsKey::new(&[1; 32])).await
}

#[tokio::test]
async fn a_value_goes_in_and_does_not_come_out() {
    let server = server().await;
    let body = json!({ "value": "canary-0123" }).to_string();
    let set = server.send("PUT", "/secrets/TOKEN", &JSON, body.as_bytes()).await;
    assert_eq!(set.status, 201, "{}", set.body);
    assert_eq!((&set.body["name"], &set.body["updated_by"]), (&json!("TOKEN"), &json!("test")));
    let again = server.send("PUT", "/secrets/TOKEN", &JSON, body.as_bytes()).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let listed = server.get("/secrets").await;
    assert_eq!((listed.status, &listed.body["data"][0]["readable"]), (200, &json!(true)));
    for answer in [&set, &again, &listed] {
        assert!(!answer.body.to_string().contains("canary"), "{}", answer.body);
    }
    assert_eq!(server.get("/secrets/TOKEN").await.status, 405, "nobody reads one");

    assert_eq!(server.send("DELETE", "/secrets/TOKEN", &[], b"").await.status, 204);
    assert_eq!(server.send("DELETE", "/secrets/TOKEN", &[], b"").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused_without_repeating_it() {
    let server = server().await;
    for (path, body) in [
        ("/secrets/not-a-name", json!({ "value": "canary" })),
        ("/secrets/TOKEN", json!({ "value": "" })),
        ("/secrets/TOKEN", json!({ "value": ["canary"] })),
        ("/secrets/TOKEN", json!({ "value": 12_345_678 })),
        ("/secrets/TOKEN", json!({ "value": "canary".repeat(11_000) })),
        ("/secrets/TOKEN", json!({ "value": "canary", "note": 1 })),
    ] {
        let refused = server.send("PUT", path, &JSON, body.to_string().as_bytes()).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_request")), "{}", refused.body);
        let told = refused.body.to_string();
        assert!(!told.contains("canary") && !told.contains("12345678"), "{told}");
    }
    let key = server.make_key(&[Scope::KeysWrite]).await;
    let refused = server.raw("GET", "/api/v1/secrets", &[("x-api-key", &key)], b"").await;
    assert_eq!((refused.status, &refused.body["scope"]), (403, &json!("secrets:write")));
}

#[tokio::test]
async fn a_server_without_a_key_says_how_to_make_one() {
    let server = Server::start().await;
    let refused = server.send("PUT", "/secrets/TOKEN", &JSON, br#"{"value":"canary"}"#).await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("not_ready")));
    assert!(refused.body["detail"].as_str().unwrap().contains("openssl rand -base64 32"), "{}", refused.body);
}

#[tokio::test]
async fn a_deploy_wants_declared_secrets_and_then_they_stay() {
    let server = server().await;
    let document = json!({
        "version": 1,
        "name": "uses",
        "secrets": ["TOKEN"],
        "steps": [{ "id": "a", "type": "value", "config": 1 }],
    });
    let refused = server.post("/workflows", &document).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_workflow")), "{}", refused.body);
    assert_eq!(refused.body["diagnostics"][0]["code"], "E202");
    assert_eq!(refused.body["diagnostics"][0]["path"], "/secrets/0");
    let checked = server.post("/workflows/validate", &document).await;
    assert_eq!(checked.body["valid"], true, "only a deploy knows the server");

    server.send("PUT", "/secrets/TOKEN", &JSON, br#"{"value":"canary"}"#).await;
    let planned = server.post("/workflows/deploy", &json!({ "documents": [document], "dry_run": true })).await;
    assert_eq!((planned.status, &planned.body["secrets"]), (200, &json!(["TOKEN"])));
    assert_eq!(server.post("/workflows", &document).await.status, 201);
    let kept = server.send("DELETE", "/secrets/TOKEN", &[], b"").await;
    assert_eq!((kept.status, &kept.body["code"]), (409, &json!("secret_in_use")));
    assert_eq!(kept.body["used_by"], json!(["uses"]));
}
