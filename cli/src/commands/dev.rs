//! `onward dev`: everything in one process, and a watched folder.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use onward_engine::{AuthError, Engine, NewKey, Scope, authenticate, create_key};

use super::simulated;
use super::watch::{Watched, watch};
use crate::client::DEVELOPMENT_KEY;
use crate::database;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::keyring;
use crate::output;
use crate::process::{Process, bind, metrics, runtime};
use crate::settings::Settings;

pub fn dev(settings: &Settings, folder: &Path, once: bool, live: &[String]) -> Result<ExitCode, Failure> {
    simulated::check(live)?;
    let mut settings = settings.clone();
    settings.name_address();
    let metrics = metrics()?;
    let folder = documents::home_of(folder);
    if !folder.is_dir() {
        return Err(Failure::new(Exit::NotFound, format!("there is no folder {}", folder.display())));
    }
    keyring::prepare(&settings)?;
    let cluster = database::open(&settings)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        cluster.migrate().await?;
        let engine = cluster.engine(&settings).await?;
        let played = simulated::simulate(&engine, &mut settings, live).await?;
        let mut watched = Watched::new(engine.clone(), folder.clone(), settings.plain);
        if once {
            let broken = watched.look().await?;
            return Ok(if broken == 0 { ExitCode::SUCCESS } else { Exit::Invalid.into() });
        }
        let listener = bind(&settings).await?;
        let key = development_key(&settings, &engine).await?;
        let mut process = Process::new(engine)?;
        cluster.look_after(process.stop.clone());
        process.keep();
        process.serve(listener, metrics);
        process.work(&settings)?;
        output::line(&format!(
            "  onward {}   http://{}   (key in {})",
            env!("CARGO_PKG_VERSION"),
            settings.listen,
            key.display()
        ));
        output::line(&format!("  postgres   {}", cluster.describe()));
        if let Some(played) = &played {
            output::line(&format!("  simulated  {}   (--live NAME uses one for real)", played.words.join(", ")));
        }
        output::line(&format!("  watching   {}", std::path::absolute(&folder).unwrap_or(folder).display()));
        output::line("");
        watched.look().await?;
        let watching = tokio::spawn(watch(watched, process.stop.clone()));
        let code = process.until_stopped().await;
        watching.abort();
        Ok(code)
    });
    super::serve::end(runtime, cluster);
    code
}

/// A key with which the commands of this folder work; the one in the file, as long as it is good.
async fn development_key(settings: &Settings, engine: &Engine) -> Result<PathBuf, Failure> {
    let file = settings.data_dir.join(DEVELOPMENT_KEY);
    if let Ok(known) = fs::read_to_string(&file) {
        match authenticate(engine, known.trim()).await {
            Ok(_) => return Ok(file),
            Err(AuthError::Refused(_)) => {}
            Err(error @ AuthError::Database(_)) => return Err(Failure::because(Exit::Unreachable, error)),
        }
    }
    let key = NewKey { name: "development".to_owned(), scopes: vec![Scope::Admin], expires_at: None, prefix: None };
    let created = create_key(engine, key).await.map_err(|error| Failure::because(Exit::Failed, error))?;
    write_secret(&file, &created.secret).map_err(Failure::from)?;
    Ok(file)
}

fn write_secret(file: &Path, secret: &str) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let _ = fs::remove_file(file);
    let mut opened = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("write {}", file.display()))?;
    std::io::Write::write_all(&mut opened, secret.as_bytes()).with_context(|| format!("write {}", file.display()))
}
