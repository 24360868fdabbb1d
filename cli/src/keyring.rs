//! The keyring: a master key and a pepper in a file that only its owner can read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::failure::{Exit, Failure};
use crate::settings::Settings;

const KEY_BYTES: usize = 32;

/// Makes the keyring of a private installation when there is none; checks a given one.
pub fn prepare(settings: &Settings) -> Result<Option<PathBuf>, Failure> {
    if let Some(file) = &settings.keyring {
        check(file)?;
        return Ok(Some(file.clone()));
    }
    // With a database of your own the keyring must survive this machine, so nobody makes one behind your back.
    if settings.database_url.is_some() {
        return Ok(None);
    }
    let file = settings.data_dir.join("keyring");
    if file.exists() {
        check(&file)?;
    } else {
        create(&file).map_err(Failure::from)?;
    }
    Ok(Some(file))
}

fn create(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().expect("it is joined to the data folder");
    fs::create_dir_all(folder).with_context(|| format!("make the data folder {}", folder.display()))?;
    let text = format!("master_key = \"{}\"\npepper = \"{}\"\n", draw(), draw());
    let mut opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("make the keyring {}", file.display()))?;
    opened.write_all(text.as_bytes()).with_context(|| format!("write the keyring {}", file.display()))
}

fn draw() -> String {
    rand::random::<[u8; KEY_BYTES]>().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn check(file: &Path) -> Result<(), Failure> {
    let wrong = |why: &str| Failure::new(Exit::Usage, format!("the keyring {} {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let mode = fs::metadata(file).map(|found| found.permissions().mode()).unwrap_or_default();
    if mode & 0o077 != 0 {
        return Err(wrong("can be read by others; set its mode to 0600"));
    }
    let table: toml::Table = text.parse().map_err(|_| wrong("is not TOML"))?;
    for name in ["master_key", "pepper"] {
        let value = table.get(name).and_then(toml::Value::as_str).unwrap_or_default();
        if value.len() != 2 * KEY_BYTES || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong(&format!("needs `{name}`: {} hexadecimal digits", 2 * KEY_BYTES)));
        }
    }
    Ok(())
}
