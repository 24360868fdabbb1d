//! `onward doctor`: one line a check; as a probe, only the exit code.

use std::process::ExitCode;

use onward_engine::database::{applied_migrations, parse_url};
use onward_engine::{
    Engine, MIGRATOR, MissingSecret, check_ready, list_schedules, list_secrets, list_unset_secrets, list_workers,
    queue_depths,
};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::client::Client;
use crate::database::{self, Cluster};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

struct Check {
    sign: Sign,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Good,
    /// The installation works; something that runs on it will not.
    Doubtful,
    Bad,
}

fn good(text: impl Into<String>) -> Check {
    Check { sign: Sign::Good, text: text.into() }
}

fn doubtful(text: impl Into<String>) -> Check {
    Check { sign: Sign::Doubtful, text: text.into() }
}

fn bad(text: impl Into<String>) -> Check {
    Check { sign: Sign::Bad, text: text.into() }
}

pub fn doctor(settings: &Settings, probe: Option<&str>) -> Result<ExitCode, Failure> {
    if let Some(what) = probe {
        let path = if what == "ready" { "/readyz" } else { "/livez" };
        return runtime()?.block_on(async {
            let asked = Client::new(settings)?.get(path).await;
            // Containers keep what a probe prints; the exit code says it all.
            Ok(asked.map_or_else(|failure| failure.exit().into(), |_| ExitCode::SUCCESS))
        });
    }
    let cluster = database::open(settings)?;
    let runtime = runtime()?;
    let checks = runtime.block_on(examine(settings, &cluster));
    super::serve::end(runtime, cluster);
    let checks = checks?;
    for check in &checks {
        if settings.json {
            let (ok, warning) = (check.sign != Sign::Bad, check.sign == Sign::Doubtful);
            output::line(&json!({ "ok": ok, "warning": warning, "text": check.text }).to_string());
        } else {
            let sign = match check.sign {
                Sign::Good => "✓",
                Sign::Doubtful => "!",
                Sign::Bad => "✗",
            };
            output::line(&format!("{sign} {}", check.text));
        }
    }
    Ok(if checks.iter().all(|check| check.sign != Sign::Bad) { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

async fn examine(settings: &Settings, cluster: &Cluster) -> Result<Vec<Check>, Failure> {
    let mut checks = vec![good(format!("postgres {}", cluster.describe()))];
    if let Some(url) = &settings.database_url
        && parse_url(url.expose_secret()).is_ok_and(|options| options.get_host().contains("pooler"))
    {
        checks.push(bad("DATABASE_URL names a pooler; Onward needs sessions of its own"));
    }
    let applied =
        applied_migrations(cluster.options()).await.map_err(|error| Failure::because(Exit::Unreachable, error))?;
    let missing = MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)).count();
    if missing > 0 {
        checks.push(bad(format!("{missing} migration(s) missing → onward migrate")));
        return Ok(checks);
    }
    let engine = cluster.engine(settings).await?;
    match check_ready(&engine).await {
        Ok(()) => checks.push(good("migrated, and there is room for next week's runs")),
        Err(why) => {
            checks.push(bad(why.to_string()));
            return Ok(checks);
        }
    }
    let failed = |error: sqlx::Error| Failure::because(Exit::Unreachable, error);
    checks.extend(examine_work(&engine).await.map_err(failed)?);
    checks.extend(examine_secrets(&engine).await.map_err(failed)?);
    checks.push(good(format!("time zones {}", onward_workflows::tzdb_version())));
    let client = Client::new(settings)?;
    checks.push(match client.get("/readyz").await {
        Ok(_) => good(format!("the server at {} is ready", client.base)),
        Err(failure) => bad(failure.text()),
    });
    Ok(checks)
}

async fn examine_secrets(engine: &Engine) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = Vec::new();
    let secrets = list_secrets(engine).await?;
    let sealed: Vec<&str> =
        secrets.iter().filter(|secret| !secret.readable).map(|secret| secret.name.as_str()).collect();
    if !sealed.is_empty() {
        checks.push(bad(format!("the key given here does not open {}; see ONWARD_SECRETS_KEY", sealed.join(", "))));
    } else if !secrets.is_empty() {
        checks.push(good(format!("{} can be read", output::plural(secrets.len(), "secret"))));
    }
    for MissingSecret { name, workflows } in list_unset_secrets(engine).await? {
        let used = output::plural(workflows.len(), "workflow");
        checks.push(doubtful(format!("secret {name} is used by {used} and not set → onward secrets set {name}")));
    }
    Ok(checks)
}

async fn examine_work(engine: &Engine) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = Vec::new();
    let workers: Vec<_> = list_workers(engine).await?.into_iter().filter(|worker| worker.alive).collect();
    let seats: i32 = workers.iter().map(|worker| worker.seats).sum();
    checks.push(match workers.len() {
        0 => bad("no worker is alive → onward worker"),
        count => good(format!("{count} worker(s), {seats} seats")),
    });
    for (queue, waiting) in queue_depths(engine).await? {
        let of_type = queue.strip_prefix("type:");
        let served = workers.iter().any(|worker| match of_type {
            Some(step_type) => worker.step_types.iter().any(|known| known == step_type),
            None => worker.queues.as_ref().is_none_or(|queues| queues.contains(&queue)),
        });
        checks.push(if served {
            good(format!("queue `{queue}`: {waiting} waiting"))
        } else if let Some(step_type) = of_type {
            bad(format!("{waiting} step(s) of type `{step_type}` waiting, no worker carries them out"))
        } else {
            bad(format!("queue `{queue}`: {waiting} waiting, nobody serves it → onward worker --queues {queue}"))
        });
    }
    let now = engine.clock().now();
    for schedule in list_schedules(engine, None).await? {
        if let Some(late) = schedule.next_at.map(|next| now - next).filter(|late| late.num_seconds() > 60) {
            let late = output::duration(late.num_milliseconds());
            checks.push(bad(format!("{} ({}) has not fired for {late}", schedule.workflow, schedule.trigger_id)));
        }
    }
    Ok(checks)
}
