//! The second act: an evening's deliveries by PDF and WhatsApp, and orders that reserve, charge and ship, while one
//! request in five to every service goes wrong.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::cast::Cast;

const SAGAS: u64 = 10;
/// Orders of so much have to be approved, and are.
const LARGE: u64 = 9_000;
const LOOK_EVERY: Duration = Duration::from_millis(250);
const DEADLINE: Duration = Duration::from_mins(1);

pub struct Agency {
    pub delivered: u64,
    pub sagas: u64,
    pub shipped: u64,
}

/// Starts everything and waits for its end.
pub async fn play(cast: &Cast) -> anyhow::Result<Agency> {
    let evening = started(cast, "deliver-approved-visas", &json!({})).await?;
    for number in 0..SAGAS {
        let amount = if number % 5 == 0 { LARGE } else { 100 + number };
        let order = json!({ "order_id": order(number), "amount": amount, "phone": format!("+99950070{number:04}") });
        started(cast, "order-saga", &order).await?;
    }
    let deadline = Instant::now() + DEADLINE;
    loop {
        // Whoever approves may have to wait until the order asks: an early answer counts.
        let sagas = cast.server.count_runs("order-saga", &["succeeded", "failed", "canceled"]).await?;
        let deliveries = cast.server.count_runs("deliver-approved-visas", &["succeeded", "failed", "canceled"]).await?;
        if sagas == SAGAS && deliveries == 1 {
            break;
        }
        if Instant::now() > deadline {
            let left = left(cast).await?;
            anyhow::bail!("{sagas} of {SAGAS} orders and {deliveries} deliveries have ended:\n{left}");
        }
        if sagas == 0 {
            approve(cast).await?;
        }
        sleep(LOOK_EVERY).await;
    }
    let run = cast.server.run(&evening).await?;
    let delivered = run["output"]["delivered"].as_u64().unwrap_or_default();
    let shipped = cast.server.count_runs("order-saga", &["succeeded"]).await?;
    Ok(Agency { delivered, sagas: SAGAS, shipped })
}

/// What still waits, and for what.
async fn left(cast: &Cast) -> anyhow::Result<String> {
    let mut lines = String::new();
    for workflow in ["order-saga", "deliver-approved-visas"] {
        for run in cast.server.runs(workflow, &["queued", "running", "waiting"]).await? {
            let id = run["id"].as_str().unwrap_or_default();
            for step in cast.server.steps(id).await? {
                if step["status"] != "succeeded" && step["status"] != "skipped" {
                    writeln!(lines, "{workflow} {} {} {}", step["path"], step["status"], step["error"])?;
                }
            }
        }
    }
    Ok(lines)
}

async fn approve(cast: &Cast) -> anyhow::Result<()> {
    for number in (0..SAGAS).filter(|number| number % 5 == 0) {
        let event =
            json!({ "name": "order.approval", "key": order(number), "data": { "approved": true, "by": "demo" } });
        let reply = cast.server.send("POST", "/events", &event).await?;
        anyhow::ensure!(reply.status == 202, "the approval was answered {}: {}", reply.status, reply.body);
    }
    Ok(())
}

fn order(number: u64) -> String {
    format!("IL{:06}D{number}", 260_100 + number)
}

async fn started(cast: &Cast, workflow: &str, inputs: &Value) -> anyhow::Result<String> {
    let reply = cast.server.send("POST", &format!("/workflows/{workflow}/runs"), &json!({ "inputs": inputs })).await?;
    anyhow::ensure!(reply.status == 202, "{workflow} was answered {}: {}", reply.status, reply.body);
    let run = reply.body["run_id"].as_str().or(reply.body["id"].as_str());
    Ok(run.with_context(|| format!("a started run has an id: {}", reply.body))?.to_owned())
}
