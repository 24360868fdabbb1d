//! The server process of ours: starting it, watching it, ending it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::EmbeddedError;
use super::account::Account;
use super::binaries::Binaries;
use super::connection::PORT;
use super::folder::{Folder, at};

/// A crash leaves a log to replay, up to `max_wal_size` of it.
const READY_MAX: Duration = Duration::from_mins(2);
/// A fast shutdown writes one checkpoint; after this the server is told to leave the work to the next start.
const STOP_MAX: Duration = Duration::from_secs(20);
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
const TAIL_BYTES: usize = 2000;

/// Given on the command line, where they win over what people put into `postgresql.conf`.
const SETTINGS: [(&str, &str); 16] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("cluster_name", "onward"),
    ("max_connections", "200"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "2GB"),
    ("wal_level", "replica"),
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    // Our statements are short, and compiling one costs more than running it.
    ("jit", "off"),
    ("random_page_cost", "1.1"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("log_checkpoints", "off"),
    ("logging_collector", "off"),
];

/// A server that this process started. The thread that spawned it lives as long: the kernel sends the parent's death
/// signal when that *thread* ends, and the child handle belongs to it alone.
#[derive(Debug)]
pub(super) struct Server {
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

enum Request {
    IsRunning(mpsc::Sender<bool>),
}

impl Server {
    /// Starts the server and waits until it takes connections. The caller holds the lock and knows that none runs.
    pub(super) fn start(
        folder: &Folder,
        binaries: &Binaries,
        settings: &[(String, String)],
    ) -> Result<Self, EmbeddedError> {
        folder.prepare_socket()?;
        let program = binaries.postgres();
        let mut command = command(folder, &program, settings);
        let log = open_log(&folder.log()).map_err(at(&folder.log()))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);

        let (requests, inbox) = mpsc::channel();
        let (started, outcome) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("onward-postgres".to_owned())
            .spawn(move || match command.spawn() {
                Ok(child) => {
                    let sent = started.send(Ok(()));
                    sent.expect("the starter waits for this");
                    keep(child, &inbox);
                }
                Err(error) => started.send(Err(error)).expect("the starter waits for this"),
            })
            .map_err(EmbeddedError::Thread)?;
        let server = Self { requests: Some(requests), thread: Some(thread) };
        match outcome.recv().expect("the thread reports before it ends") {
            Ok(()) => server.wait_until_ready(folder).map(|()| server),
            Err(source) => Err(EmbeddedError::Spawn { program, source }),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        let (reply, answer) = mpsc::channel();
        let asked = self.requests.as_ref().is_some_and(|requests| requests.send(Request::IsRunning(reply)).is_ok());
        asked && answer.recv().unwrap_or(false)
    }

    fn wait_until_ready(&self, folder: &Folder) -> Result<(), EmbeddedError> {
        let file = folder.cluster().join("postmaster.pid");
        let began = Instant::now();
        loop {
            if !self.is_running() {
                return Err(EmbeddedError::Ended { log: folder.log(), tail: tail(&folder.log()) });
            }
            // Its eighth line tells when connecting is worth a try; a file left by a dead server may say the same.
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if text.lines().nth(7).is_some_and(|status| status.trim() == "ready") && super::connection::answers(folder)
            {
                return Ok(());
            }
            if began.elapsed() > READY_MAX {
                return Err(EmbeddedError::NotReady {
                    waited: READY_MAX,
                    log: folder.log(),
                    tail: tail(&folder.log()),
                });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; nothing is left to do about it here.
            let _ = thread.join();
        }
    }
}

/// Answers until the other end is dropped, then ends the server.
fn keep(mut child: Child, inbox: &mpsc::Receiver<Request>) {
    while let Ok(Request::IsRunning(reply)) = inbox.recv() {
        let running = matches!(child.try_wait(), Ok(None));
        let _ = reply.send(running);
    }
    let pid = Pid::from_raw(child.id().cast_signed());
    for (signal, patience) in [
        (Signal::SIGINT, STOP_MAX),
        (Signal::SIGQUIT, Duration::from_secs(5)),
        (Signal::SIGKILL, Duration::from_secs(5)),
    ] {
        // Until it is reaped here the pid cannot be another process's.
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        let _ = kill(pid, signal);
        let began = Instant::now();
        while began.elapsed() < patience {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn command(folder: &Folder, program: &Path, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(program);
    command.arg("-D").arg(folder.cluster()).arg("-p").arg(PORT.to_string());
    command.arg("-c").arg(format!("unix_socket_directories={}", folder.socket().display()));
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    confine(&mut command, folder.account);
    command
}

/// Runs `command` as the server's account, away from our terminal, and only as long as we live.
pub(super) fn confine(command: &mut Command, account: Account) {
    account.apply(command);
    // The folder we stand in may be closed to that account, and Postgres insists on knowing where it is. Of our
    // environment it needs little, and must not see settings or secrets.
    command.current_dir("/").env_clear().envs([("LC_ALL", "C"), ("TZ", "UTC"), ("PATH", "/usr/bin:/bin")]);
    for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let parent = nix::unistd::getpid();
    let prepare = move || {
        // A session of its own: Ctrl-C in a terminal must reach only us, who then stop the server in good order.
        nix::unistd::setsid()?;
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_pdeathsig(Signal::SIGINT)?;
        // The parent may have died before the line above.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(nix::errno::Errno::ESRCH.into()) }
    };
    #[expect(
        unsafe_code,
        reason = "runs between fork and exec, after the change of user, which would clear the signal; \
                                    only async-signal-safe system calls, no allocation"
    )]
    unsafe {
        command.pre_exec(prepare);
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if path.metadata().is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    // It may quote statements with what people put into them.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]).trim().to_owned()
}
