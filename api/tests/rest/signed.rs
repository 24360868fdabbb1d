//! Webhooks whose callers sign, and the handshake that comes before.

use onward_engine::SecretsKey;
use serde_json::json;

use crate::server::{Answer, Server};

/// The body `{"zen":"x"}` under the key `demo-secret`.
const BODY: &[u8] = br#"{"zen":"x"}"#;
const TAG: &str = "sha256=c3792b205164835fb70c99646878b0ceec84926e82f4303adb10cb1162238c2a";

async fn server() -> Server {
    let server = Server::start_sealing(SecretsKey::new(&[1; 32])).await;
    for (name, value) in [("APP", "demo-secret"), ("VERIFY", "our token")] {
        let body = json!({ "value": value }).to_string();
        let json = [("content-type", "application/json")];
        assert_eq!(server.send("PUT", &format!("/secrets/{name}"), &json, body.as_bytes()).await.status, 201);
    }
    let document = json!({
        "version": 1,
        "name": "meta",
        "secrets": ["APP", "VERIFY"],
        "triggers": [{ "type": "webhook", "config": {
            "endpoint": "meta",
            "auth": "signature",
            "signature": {
                "scheme": "meta", "secret": "{{ secrets.APP }}", "verify_token": "{{ secrets.VERIFY }}",
            },
        } }],
        "steps": [{ "id": "a", "type": "log", "config": { "message": "{{ trigger.body.zen }}" } }],
    });
    let deployed = server.post("/workflows", &document).await;
    assert_eq!(deployed.status, 201, "{}", deployed.body);
    server
}

async fn deliver(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = [&[("content-type", "application/json")], headers].concat();
    server.raw("POST", "/api/v1/triggers/meta", &headers, body).await
}

#[tokio::test]
async fn only_a_signed_body_starts_a_run_and_a_key_is_no_signature() {
    let server = server().await;
    let signed = [("x-hub-signature-256", TAG)];
    let started = deliver(&server, &signed, BODY).await;
    assert_eq!(started.status, 202, "{}", started.body);
    assert_eq!(server.count("select count(*) from onward.run").await, 1);
    let authorization = format!("Bearer {}", server.key);
    for (headers, body) in [
        (&[][..], BODY),
        (&[("authorization", authorization.as_str())], BODY),
        (&signed, &br#"{"zen":"y"}"#[..]),
        (&signed, br#"{"zen": "x"}"#),
        (&signed, b"not json"),
    ] {
        let refused = deliver(&server, headers, body).await;
        assert_eq!((refused.status, &refused.body["code"]), (401, &json!("signature_refused")), "{}", refused.body);
    }
    sqlx::query("delete from onward.secret").execute(server.engine.pool()).await.unwrap();
    sqlx::query(
        "insert into onward.secret (name, sealed, key_id, updated_by)
        values ('APP', decode(repeat('00', 40), 'hex'), 'another', 'test')",
    )
    .execute(server.engine.pool())
    .await
    .unwrap();
    onward_engine::unset_secret(&server.engine, "NOTHING").await.unwrap_err();
    let closed = deliver(&server, &signed, BODY).await;
    assert_eq!((closed.status, &closed.body["code"]), (503, &json!("not_ready")), "without the secret nobody comes in");
    assert_eq!(server.count("select count(*) from onward.run").await, 1);
}

#[tokio::test]
async fn the_handshake_answers_whoever_knows_the_token() {
    let server = server().await;
    let ask = async |query: &str| server.raw("GET", &format!("/api/v1/triggers/meta?{query}"), &[], b"").await;
    let answer = ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=our%20token").await;
    assert_eq!((answer.status, &answer.body), (200, &json!(1_158_201_444)));
    for query in [
        "",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=our",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=other&hub.challenge=1&hub.verify_token=our%20token",
        "hub.mode=subscribe&hub.verify_token=our%20token",
    ] {
        let refused = ask(query).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("handshake_refused")), "{query}");
    }
    assert_eq!(server.raw("GET", "/api/v1/triggers/other", &[], b"").await.status, 401);
    assert_eq!(server.get("/triggers/other").await.status, 404);
}
