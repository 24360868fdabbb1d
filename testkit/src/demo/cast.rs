//! Who takes part: the shop, the server, the workers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::curl::{Reply, curl};
use crate::{Process, built, free_port};

const WORKERS: usize = 2;
const SEATS: &str = "8";
/// Slow enough that a worker is always in the middle of something when it is killed.
const SHOP_DELAY_MS: &str = "50";
/// One request in so many to a service meets a fault.
const TROUBLE_EVERY: &str = "5";
const CALLERS: usize = 8;
/// What steps need to reach the services, and what the order saga declares.
const SECRETS: [(&str, &str); 8] = [
    ("AIRTABLE_TOKEN", "patFAKE.0000"),
    ("CBB_TOKEN", "1000.fake"),
    ("SLACK_BOT_TOKEN", "xoxb-fake"),
    ("WHATSAPP_APP_SECRET", "demo-app-secret"),
    ("WHATSAPP_VERIFY_TOKEN", "demo-verify-token"),
    ("SHOP_KEY", "demo-shop-key"),
    ("PAY_KEY", "demo-pay-key"),
    ("ORDERS_WEBHOOK_SECRET", "whsec_ZGVtbw=="),
];
const DOCUMENTS: [&str; 7] = [
    "hello.yaml",
    "order-confirmation.json",
    "nightly-report.yaml",
    "heartbeat.yaml",
    "ship-order.yaml",
    "language/evening-delivery.yaml",
    "language/order-saga.yaml",
];
const LIST_MAX: usize = 200;

pub struct Cast {
    folder: TempDir,
    shop: Process,
    shop_base: String,
    serving: Process,
    workers: Vec<Process>,
    pub server: Server,
}

/// How to reach the server.
#[derive(Clone)]
pub struct Server {
    pub base: String,
    key: String,
}

/// The shop's own totals.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ledger {
    pub effects: u64,
    pub repeated: u64,
    pub duplicates: u64,
}

impl Cast {
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("onward-demo-").tempdir().context("make a folder for the data")?;
        let (shop_port, port) = (free_port(), free_port());
        let shop_address = format!("127.0.0.1:{shop_port}");
        let mut shop = Process::start(
            built("onward-standin")
                .args(["--listen", &shop_address, "--delay-ms", SHOP_DELAY_MS])
                .args(["--reports-to", &format!("127.0.0.1:{port}"), "--trouble-every", TROUBLE_EVERY])
                .arg("--ledger")
                .arg(folder.path().join("ledger")),
        );
        shop.wait_for_line("listening").await;

        let listen = format!("127.0.0.1:{port}");
        let onward = |arguments: &[&str]| onward(folder.path(), &listen, &shop_address, arguments);
        let mut serving = Process::start(&mut onward(&["serve", "--no-worker"]));
        serving.wait_for_line("ready").await;
        let workers = (0..WORKERS).map(|_| Process::start(&mut onward(&["worker", "--seats", SEATS]))).collect();

        let scopes = "workflows:read,workflows:write,runs:read,runs:write,triggers:create,events:write,secrets:write";
        let made = run(&mut onward(&["keys", "create", "demo", "--scopes", scopes, "--json"])).await?;
        let made: Value = serde_json::from_str(&made).context("read the new key")?;
        let key = made["secret"].as_str().context("`keys create --json` prints the secret")?.to_owned();
        let server = Server { base: format!("http://{listen}"), key };
        for (name, value) in SECRETS {
            server.set_secret(name, value).await?;
        }
        Ok(Self { shop, shop_base: format!("http://{shop_address}"), serving, workers, server, folder })
    }

    /// Deploys the examples; one line for each.
    pub async fn deploy(&self) -> anyhow::Result<Vec<String>> {
        let mut command = built("onward");
        command
            .args(["deploy", "--yes", "--json"])
            .args(DOCUMENTS.map(|name| examples().join(name)))
            .env("ONWARD_SERVER", &self.server.base)
            .env("ONWARD_KEY", &self.server.key)
            .env("ONWARD_DATA_DIR", self.folder.path());
        let printed: Value = serde_json::from_str(&run(&mut command).await?).context("read what was deployed")?;
        let workflows = printed["workflows"].as_array().context("`deploy --json` lists the workflows")?;
        Ok(workflows.iter().map(|row| format!("{} v{}", row["id"].as_str().unwrap_or("?"), row["version"])).collect())
    }

    pub async fn shop_ledger(&self, path: &str) -> anyhow::Result<Ledger> {
        let totals = curl(&format!("{}/ledger?path={path}", self.shop_base), &[]).await?.body;
        let count = |name: &str| totals[name].as_u64().with_context(|| format!("the shop counts `{name}`"));
        Ok(Ledger { effects: count("effects")?, repeated: count("repeated")?, duplicates: count("duplicates")? })
    }

    /// Kills one worker as a power cut would; returns its process id.
    pub fn kill_a_worker(&mut self) -> anyhow::Result<u32> {
        let mut worker = self.workers.pop().context("a worker is left")?;
        worker.kill9();
        Ok(worker.id())
    }

    pub async fn end(mut self) {
        for worker in &mut self.workers {
            worker.terminate().await;
        }
        self.serving.terminate().await;
        self.shop.kill9();
    }
}

fn onward(data: &Path, listen: &str, shop: &str, arguments: &[&str]) -> Command {
    let mut command = built("onward");
    command
        .args(arguments)
        .env("ONWARD_DATA_DIR", data)
        .env("ONWARD_LISTEN", listen)
        .env("ONWARD_HTTP_HOSTS", hosts(shop))
        .env("ONWARD_TEMPLATES", examples().join("templates"))
        .env("ONWARD_AIRTABLE_BASE", "appFAKE0000000001")
        .env("ONWARD_PUBLIC_URL", format!("http://{listen}"))
        .env("ONWARD_ALLOW_HTTP_HOSTS", "1")
        .env("ONWARD_LOG", "warn");
    command
}

/// The shop, and every service under its own name.
fn hosts(shop: &str) -> String {
    let services = onward_standin::StandIn::sites().chain(["shop.example.test", "pay.example.test"]);
    let plain: String = services.map(|name| format!(",{name}=http://{shop}")).collect::<Vec<_>>().concat();
    format!("shop.test={shop}{plain}")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

async fn run(command: &mut Command) -> anyhow::Result<String> {
    let shown = format!("{command:?}");
    let output = tokio::process::Command::from(std::mem::replace(command, Command::new("true")))
        .output()
        .await
        .with_context(|| format!("run {shown}"))?;
    anyhow::ensure!(output.status.success(), "{shown}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Server {
    fn authorization(&self) -> String {
        format!("Authorization: Bearer {}", self.key)
    }

    /// Starts one run as an outside caller does.
    pub async fn trigger(&self, endpoint: &str, order: &str, key: &str) -> anyhow::Result<Reply> {
        let (authorization, key) = (self.authorization(), format!("Idempotency-Key: {key}"));
        let body = json!({ "order_id": order }).to_string();
        let arguments = [
            "--header",
            &authorization,
            "--header",
            &key,
            "--header",
            "Content-Type: application/json",
            "--data",
            &body,
        ];
        curl(&format!("{}/api/v1/triggers/{endpoint}", self.base), &arguments).await
    }

    async fn set_secret(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let body = json!({ "value": value });
        let reply = self.send("PUT", &format!("/secrets/{name}"), &body).await?;
        anyhow::ensure!(reply.status < 300, "the secret {name} was answered {}: {}", reply.status, reply.body);
        Ok(())
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Reply> {
        let (authorization, body) = (self.authorization(), body.to_string());
        let arguments = [
            "--request",
            method,
            "--header",
            &authorization,
            "--header",
            "Content-Type: application/json",
            "--data",
            &body,
        ];
        curl(&format!("{}/api/v1{path}", self.base), &arguments).await
    }

    /// Starts so many orders through several callers at once; returns how many were accepted.
    pub async fn trigger_orders(&self, first: usize, orders: usize) -> anyhow::Result<u64> {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let server = self.clone();
            callers.spawn(async move {
                let mut accepted = 0;
                for order in (first..first + orders).skip(caller).step_by(CALLERS) {
                    let reply =
                        server.trigger("order-confirmations", &order.to_string(), &format!("demo-{order}")).await?;
                    accepted += u64::from(reply.status == 202);
                }
                anyhow::Ok(accepted)
            });
        }
        let mut accepted = 0;
        while let Some(caller) = callers.join_next().await {
            accepted += caller??;
        }
        Ok(accepted)
    }

    /// All runs of a workflow with one of these states.
    pub async fn runs(&self, workflow: &str, states: &[&str]) -> anyhow::Result<Vec<Value>> {
        let states: Vec<String> = states.iter().map(|state| format!("&status={state}")).collect();
        let states = states.concat();
        let authorization = self.authorization();
        let (mut runs, mut cursor) = (Vec::new(), String::new());
        loop {
            let url = format!("{}/api/v1/runs?workflow={workflow}&limit={LIST_MAX}{states}{cursor}", self.base);
            let reply = curl(&url, &["--header", &authorization]).await?;
            anyhow::ensure!(reply.status == 200, "GET /runs answered {}: {}", reply.status, reply.body);
            runs.extend(reply.body["data"].as_array().context("a list has `data`")?.iter().cloned());
            match reply.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(runs),
            }
        }
    }

    pub async fn count_runs(&self, workflow: &str, states: &[&str]) -> anyhow::Result<u64> {
        Ok(self.runs(workflow, states).await?.len() as u64)
    }

    pub async fn run(&self, id: &str) -> anyhow::Result<Value> {
        let reply = curl(&format!("{}/api/v1/runs/{id}", self.base), &["--header", &self.authorization()]).await?;
        Ok(reply.body)
    }

    pub async fn steps(&self, run: &str) -> anyhow::Result<Vec<Value>> {
        let reply =
            curl(&format!("{}/api/v1/runs/{run}/steps", self.base), &["--header", &self.authorization()]).await?;
        Ok(reply.body["data"].as_array().context("a run's steps are a list")?.clone())
    }
}
