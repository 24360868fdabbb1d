//! The files of the cluster: which version made them, and making them.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::process::{Command, Stdio};

use super::binaries::Binaries;
use super::connection::SUPERUSER;
use super::folder::{Folder, UNFINISHED, at};
use super::{EmbeddedError, server};

/// The major version that made the cluster; `None` if there is none yet.
pub(super) fn major_version(folder: &Folder) -> Result<Option<u32>, EmbeddedError> {
    let cluster = folder.cluster();
    match std::fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(EmbeddedError::NotACluster { folder: cluster }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => match cluster.read_dir().map(Iterator::count) {
            Ok(0) => Ok(None),
            Ok(_) => Err(EmbeddedError::NotACluster { folder: cluster }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&cluster)(error)),
        },
        Err(error) => Err(at(&cluster)(error)),
    }
}

/// Makes the cluster under another name and renames it when it is whole, so that an interrupted `initdb` leaves
/// nothing that looks like data. Says whether it made one. The caller holds the lock.
pub(super) fn create_if_absent(folder: &Folder, binaries: &Binaries) -> Result<bool, EmbeddedError> {
    let cluster = folder.cluster();
    if major_version(folder)?.is_some() {
        return Ok(false);
    }
    drop_unfinished(folder);
    let unfinished = folder.unfinished_cluster();
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(at(&unfinished))?;
    folder.account.give(&unfinished).map_err(at(&unfinished))?;

    let program = binaries.initdb();
    let mut initdb = Command::new(&program);
    // Locale C with UTF-8 everywhere: the order of texts must not depend on the machine's libc or ICU.
    initdb
        .args(["--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject", "--no-instructions"])
        .args(["--locale-provider=libc", "--locale=C", "--encoding=UTF8", "--data-checksums", "--pgdata"])
        .arg(&unfinished)
        .stdin(Stdio::null());
    server::confine(&mut initdb, folder.account);
    let output = initdb.output().map_err(|source| EmbeddedError::Spawn { program, source })?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(EmbeddedError::Initdb { output: text });
    }

    // Renaming replaces the empty folder that `major_version` lets pass.
    std::fs::rename(&unfinished, &cluster).map_err(at(&cluster))?;
    File::open(folder.root()).and_then(|root| root.sync_all()).map_err(at(folder.root()))?;
    Ok(true)
}

/// What interrupted processes left. An `initdb` that lost its parent a moment ago may still be at work, so ours has a
/// name of its own, and a failure here does no harm.
fn drop_unfinished(folder: &Folder) {
    let Ok(entries) = folder.root().read_dir() else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
