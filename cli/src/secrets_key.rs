//! The key that seals secrets: given as a setting, or made for a private installation.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use onward_engine::SecretsKey;
use secrecy::{ExposeSecret, SecretString};

use crate::database::Cluster;
use crate::failure::{Exit, Failure};
use crate::settings::Settings;

const FILE: &str = "secrets.key";

/// With a database of your own the key must survive this machine, so nobody makes one behind your back.
pub fn find(settings: &Settings, cluster: &Cluster) -> Result<Option<SecretsKey>, Failure> {
    let file = settings.data_dir.join(FILE);
    let text = match (&settings.secrets_key, cluster) {
        (Some(key), _) => key.clone(),
        (None, Cluster::Given(_)) => return Ok(None),
        (None, Cluster::Private(_)) => read_or_make(&file)?,
    };
    let key = text.expose_secret().parse();
    key.map(Some).map_err(|error| Failure::new(Exit::Usage, format!("the key in {}: {error}", file.display())))
}

fn read_or_make(file: &Path) -> Result<SecretString, Failure> {
    if !file.exists() {
        make(file).map_err(Failure::from)?;
    }
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display())).map_err(Failure::from)?;
    let mode = fs::metadata(file).map(|found| found.permissions().mode()).unwrap_or_default();
    if mode & 0o077 != 0 {
        let text = format!("{} can be read by others; set its mode to 0600", file.display());
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(SecretString::from(text))
}

/// Several processes may begin at once: the first one's key counts, and nobody sees half of it.
fn make(file: &Path) -> anyhow::Result<()> {
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let mut opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .with_context(|| format!("make {}", beside.display()))?;
    let written = opened.write_all(SecretsKey::draw().expose_secret().as_bytes()).and_then(|()| opened.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&beside, file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&beside);
    linked.with_context(|| format!("make {}", file.display()))
}
