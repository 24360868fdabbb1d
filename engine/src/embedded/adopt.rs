//! Finding a server that another process started.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::folder::Folder;
use super::{EmbeddedError, connection};

/// How long a server may take to begin or to end: it may be replaying its log, or its owner may have died just now.
const SETTLE_MAX: Duration = Duration::from_mins(1);

/// Whether a live server has this folder's cluster. One that is about to end is waited for and counts as absent; one
/// that is about to begin counts as live. The caller holds the lock.
pub(super) fn find_live(folder: &Folder) -> Result<bool, EmbeddedError> {
    let file = folder.cluster().join("postmaster.pid");
    let began = Instant::now();
    loop {
        // The file of a dead server stays; the next server that starts sees through it and removes it.
        let Some(pid) = read_pid(&file).filter(|&pid| serves(pid, &folder.cluster())) else { return Ok(false) };
        if connection::answers(folder) {
            return Ok(true);
        }
        if began.elapsed() > SETTLE_MAX {
            return Err(EmbeddedError::Silent { pid: pid.as_raw(), file });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn read_pid(file: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(file).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    (pid > 0).then(|| Pid::from_raw(pid))
}

/// Whether `pid` is a server of `cluster`. After a crash of the machine the number may be another program's.
fn serves(pid: Pid, cluster: &Path) -> bool {
    if cfg!(target_os = "linux") {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return arguments.split(|&byte| byte == 0).any(|argument| argument == cluster.as_os_str().as_bytes());
    }
    !matches!(kill(pid, None), Err(Errno::ESRCH))
}
