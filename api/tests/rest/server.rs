//! A server on a database of its own, and a client that shows what came back.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusBuilder;
use onward_api::{Api, Settings, serve};
use onward_engine::{Engine, NewKey, Scope, SecretsKey, Settings as EngineSettings, create_key, database};
use onward_steps::Steps;
use onward_testkit::TestDatabase;
use onward_workflows::Catalog;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub struct Server {
    pub database: TestDatabase,
    pub engine: Engine,
    pub address: SocketAddr,
    pub key: String,
    stop: CancellationToken,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    pub async fn start_with(settings: Settings) -> Self {
        let database = TestDatabase::new().await;
        let options = database.options();
        Self::start_on(database, options, settings).await
    }

    /// One that can set secrets.
    pub async fn start_sealing(key: SecretsKey) -> Self {
        let database = TestDatabase::new().await;
        let options = database.options();
        Self::start_with_key(database, options, Settings::default(), Some(key)).await
    }

    /// `options` may lead to the database by a detour.
    pub async fn start_on(database: TestDatabase, options: PgConnectOptions, settings: Settings) -> Self {
        Self::start_with_key(database, options, settings, None).await
    }

    async fn start_with_key(
        database: TestDatabase,
        options: PgConnectOptions,
        settings: Settings,
        key: Option<SecretsKey>,
    ) -> Self {
        let pool = database::connect(options, 5).await.expect("connect to the test database");
        let engine_settings = EngineSettings { catalog: Catalog::new(Steps::types()), env: json!({}) };
        let engine = Engine::new(pool, engine_settings).await.expect("an engine on the test database");
        let engine = engine.with_secrets_key(key);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind a port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let stop = CancellationToken::new();
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        tokio::spawn(serve(listener, Api { engine: engine.clone(), settings, metrics }, stop.clone()));
        let mut server = Self { database, engine, address, key: String::new(), stop };
        server.key = server.make_key(&[Scope::Admin]).await;
        server
    }

    pub async fn make_key(&self, scopes: &[Scope]) -> String {
        let key = NewKey { name: "test".to_owned(), scopes: scopes.to_vec(), expires_at: None, prefix: None };
        create_key(&self.engine, key).await.expect("make a key").secret
    }

    /// With the admin key and JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authorization = format!("Bearer {}", self.key);
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        self.raw(method, &format!("/api/v1{path}"), &all, body).await
    }

    pub async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: onward.test\r\nconnection: close\r\ncontent-length: {}\r\n{}\r\n",
            body.len(),
            headers.concat()
        );
        let mut stream = TcpStream::connect(self.address).await.expect("connect to the server");
        stream.write_all(head.as_bytes()).await.expect("send the head");
        // A server that refuses a body early may close before all of it was taken.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Answer {
            status,
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())),
        }
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar::<_, i64>(sql).fetch_one(self.engine.pool()).await.expect("count rows")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A workflow with a webhook and one required input.
pub fn orders() -> Value {
    json!({
        "version": 1,
        "name": "orders",
        "triggers": [{ "type": "webhook", "config": { "endpoint": "orders" } }, { "type": "manual" }],
        "inputs": { "order_id": { "type": "string", "pattern": "^[0-9]+$" } },
        "steps": [{ "id": "note", "type": "log", "config": { "message": "order {{ inputs.order_id }}" } }]
    })
}
