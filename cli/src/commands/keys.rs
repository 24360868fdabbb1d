//! `onward keys`: on the database itself, so that the first key needs no key.

use std::process::ExitCode;

use chrono::TimeDelta;
use onward_engine::{Engine, NewKey, Scope, create_key, list_keys, revoke_key};
use serde_json::json;

use crate::arguments::Keys;
use crate::database;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

const LIST_MAX: u16 = 200;

pub fn keys(settings: &Settings, wish: Keys) -> Result<ExitCode, Failure> {
    let cluster = database::open(settings)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        cluster.migrate().await?;
        let engine = cluster.engine(settings).await?;
        match wish {
            Keys::Create { name, scopes, admin, expires } => {
                let scopes = if admin { vec![Scope::Admin] } else { parse_scopes(&scopes)? };
                create(settings, &engine, name, scopes, expires.as_deref()).await
            }
            Keys::List => list(settings, &engine).await,
            Keys::Revoke { id } => revoke(settings, &engine, &id).await,
        }
    });
    super::serve::end(runtime, cluster);
    code
}

fn parse_scopes(names: &[String]) -> Result<Vec<Scope>, Failure> {
    names
        .iter()
        .map(|name| name.parse().map_err(|error| Failure::because(Exit::Usage, anyhow::Error::new(error))))
        .collect()
}

async fn create(
    settings: &Settings,
    engine: &Engine,
    name: String,
    scopes: Vec<Scope>,
    expires: Option<&str>,
) -> Result<ExitCode, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let expires_at = expires
        .map(|text| {
            let after =
                onward_workflows::parse_duration(text).map_err(|error| usage(format!("--expires {text}: {error}")))?;
            let after = TimeDelta::from_std(after).map_err(|_| usage(format!("--expires {text}: too long")))?;
            Ok::<_, Failure>(engine.clock().now() + after)
        })
        .transpose()?;
    let created = create_key(engine, NewKey { name, scopes, expires_at, prefix: None })
        .await
        .map_err(|error| Failure::because(Exit::Usage, error))?;
    if settings.json {
        let mut row = json!(created.key);
        row["secret"] = json!(created.secret);
        output::line(&row.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&created.secret);
    output::hint("this is the only time that it is shown; try it:");
    output::hint(&format!("  curl -H 'Authorization: Bearer {}' http://{}/api/v1/me", created.secret, settings.listen));
    Ok(ExitCode::SUCCESS)
}

async fn list(settings: &Settings, engine: &Engine) -> Result<ExitCode, Failure> {
    let page = list_keys(engine, None, LIST_MAX).await.map_err(|error| Failure::because(Exit::Unreachable, error))?;
    if settings.json {
        output::objects(&json!(page.data));
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = page
        .data
        .iter()
        .map(|key| {
            let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
            let state = if key.revoked_at.is_some() { "revoked" } else { "good" };
            let used = output::local(&json!(key.last_used_at));
            vec![key.id.to_string(), key.name.clone(), state.to_owned(), used, scopes.join(",")]
        })
        .collect();
    output::table(&["ID", "NAME", "STATE", "LAST USED", "SCOPES"], &rows);
    Ok(ExitCode::SUCCESS)
}

async fn revoke(settings: &Settings, engine: &Engine, id: &str) -> Result<ExitCode, Failure> {
    let none = || Failure::new(Exit::NotFound, format!("there is no key `{id}`; see `onward keys list`"));
    let key = id.parse().map_err(|_| none())?;
    let revoked =
        revoke_key(engine, key).await.map_err(|error| Failure::because(Exit::Unreachable, error))?.ok_or_else(none)?;
    if settings.json {
        output::line(&json!(revoked).to_string());
    } else {
        output::line(&format!("revoked {} ({}); servers refuse it within seconds", revoked.id, revoked.name));
    }
    Ok(ExitCode::SUCCESS)
}
