//! API keys: made, used, expired, revoked.

use std::time::Duration;

use onward_engine::Scope;
use serde_json::json;

use crate::server::Server;

/// How long a process may go on believing in a key.
const BELIEF_MAX: Duration = Duration::from_secs(6);

#[tokio::test]
async fn a_key_is_made_used_and_revoked() {
    let server = Server::start().await;
    let made = server.post("/api-keys", &json!({ "name": "shop", "scopes": ["triggers:create"] })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    let (name, rest) = secret.split_once('.').unwrap();
    assert!(name.starts_with("onw_") && name.len() == 16 && rest.len() == 49, "{secret}");
    assert_eq!(
        server.count("select count(*) from onward.api_key where hash_version = 1 and octet_length(hash) = 32").await,
        2
    );

    let me = server.raw("GET", "/api/v1/me", &[("x-api-key", &secret)], b"").await;
    assert_eq!((me.status, &me.body["scopes"]), (200, &json!(["triggers:create"])));
    assert!(me.body.get("secret").is_none());
    let listed = server.get("/api-keys").await;
    assert!(
        listed.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key.get("secret").is_none() && key.get("hash").is_none())
    );
    assert_eq!(
        server.count("select count(*) from onward.api_key where name = 'shop' and last_used_at is not null").await,
        1
    );

    let id = made.body["id"].as_str().unwrap();
    assert_eq!(server.send("DELETE", &format!("/api-keys/{id}"), &[], b"").await.status, 204);
    server.database.move_clock(BELIEF_MAX).await;
    server.engine.clock().synchronise(server.engine.pool()).await.unwrap();
    assert_eq!(server.raw("GET", "/api/v1/me", &[("x-api-key", &secret)], b"").await.status, 401);
    assert_eq!(server.count("select count(*) from onward.api_key where revoked_at is not null").await, 1, "it is kept");
}

#[tokio::test]
async fn a_key_expires_by_the_databases_clock() {
    let server = Server::start().await;
    let expires_at = server.engine.clock().now() + Duration::from_hours(1);
    let made =
        server.post("/api-keys", &json!({ "name": "brief", "scopes": ["runs:read"], "expires_at": expires_at })).await;
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(server.raw("GET", "/api/v1/me", &[("x-api-key", &secret)], b"").await.status, 200);
    server.database.move_clock(Duration::from_secs(3_601)).await;
    server.engine.clock().synchronise(server.engine.pool()).await.unwrap();
    assert_eq!(server.raw("GET", "/api/v1/me", &[("x-api-key", &secret)], b"").await.status, 401);
}

#[tokio::test]
async fn nobody_gives_a_scope_that_he_does_not_have() {
    let mut server = Server::start().await;
    server.key = server.make_key(&[Scope::KeysWrite]).await;
    let refused = server.post("/api-keys", &json!({ "name": "more", "scopes": ["admin"] })).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (403, Some("missing_scope")));
}

#[tokio::test]
async fn a_key_that_is_almost_right_is_wrong() {
    let server = Server::start().await;
    let good = server.key.clone();
    for (place, _) in good.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric()).step_by(7) {
        let other = if good.as_bytes()[place] == b'a' { "b" } else { "a" };
        let wrong = format!("{}{other}{}", &good[..place], &good[place + 1..]);
        assert_eq!(server.raw("GET", "/api/v1/me", &[("x-api-key", &wrong)], b"").await.status, 401, "{place}");
    }
}
