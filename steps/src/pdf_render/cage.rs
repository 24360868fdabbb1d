//! A program that gets documents of strangers: without a network, without rights, in a folder of its own, and dead at its
//! deadline.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid};
use onward_workflows::{ErrorKind, StepError};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout_at};

/// Whoever else is on the machine owns nothing under this number.
const NOBODY: u32 = 65_534;
const CPU_SECONDS: u32 = 60;
const FILE_BYTES_MAX: u64 = 100 << 20;
/// Of one process; a page that needs more is a mistake or an attack.
const MEMORY_MAX: u64 = 1 << 30;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is put in front of the program, as far as this machine allows it; looked at once.
static WALLS: OnceLock<Vec<&'static str>> = OnceLock::new();

/// A new network without any way out, then the rights of nobody.
const AS_ROOT: &[&str] =
    &["unshare", "--net", "--", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
const AS_USER: &[&str] = &["unshare", "--user", "--map-current-user", "--net", "--"];

/// The program's own folder, deleted with it.
pub(super) struct Cage {
    folder: TempDir,
}

impl Cage {
    pub(super) fn new() -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("onward-pdf-").tempdir()?;
        if Uid::effective().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program behind its walls; it sees none of our variables.
    pub(super) fn command(&self, program: &Path) -> Command {
        let cpu = format!("--cpu={CPU_SECONDS}");
        let size = format!("--fsize={FILE_BYTES_MAX}");
        let mut words: Vec<String> = walls().iter().map(|word| (*word).to_owned()).collect();
        if find(&["prlimit"]).is_some() {
            words.extend(["prlimit".to_owned(), cpu, size, "--core=0".to_owned(), "--".to_owned()]);
        }
        words.push(program.display().to_string());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", self.path())
            .env("TMPDIR", self.path())
            .env("LANG", "C.UTF-8")
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// A running program with all that it starts.
pub(super) struct Caged {
    pub child: Child,
    group: Option<Pid>,
}

impl Caged {
    pub(super) fn start(mut command: Command) -> std::io::Result<Self> {
        let child = command.spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Self { child, group })
    }

    /// Its exit code, unless it is over its time or its memory.
    pub(super) async fn ended(&mut self, what: &str, deadline: Instant) -> Result<Option<i32>, StepError> {
        let id = self.child.id();
        tokio::select! {
            ended = timeout_at(deadline, self.child.wait()) => match ended {
                Ok(Ok(status)) => Ok(status.code()),
                Ok(Err(error)) => Err(broken(&error)),
                Err(_) => Err(late(what)),
            },
            () = outgrown(id) => {
                let text = format!("{what} needed more than {} MiB of memory and was stopped", MEMORY_MAX >> 20);
                Err(StepError::new(ErrorKind::Limit, text))
            }
        }
    }
}

impl Drop for Caged {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // It may have ended by itself.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

pub(super) fn late(what: &str) -> StepError {
    StepError::new(ErrorKind::Timeout, format!("{what} was not done within the attempt's timeout and was stopped"))
        .retryable()
}

pub(super) fn broken(error: &std::io::Error) -> StepError {
    StepError::new(ErrorKind::Internal, format!("rendering: {error}")).retryable()
}

async fn outgrown(id: Option<u32>) {
    let Some(id) = id else { return std::future::pending().await };
    loop {
        sleep(LOOK_EVERY).await;
        if resident(id).is_some_and(|bytes| bytes > MEMORY_MAX) {
            return;
        }
    }
}

/// Where the machine tells it.
fn resident(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

fn walls() -> &'static [&'static str] {
    WALLS.get_or_init(|| {
        let wanted = if Uid::effective().is_root() { AS_ROOT } else { AS_USER };
        let works = std::process::Command::new(wanted[0])
            .args(&wanted[1..])
            .arg("true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if works {
            return wanted.to_vec();
        }
        tracing::warn!("this machine does not let PDF engines be kept from the network; render trusted templates only");
        Vec::new()
    })
}

/// The first of these programs in the search path.
pub(super) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}
