//! Real processes, to be killed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::wait_until;

/// For a start that may have to make a cluster on a busy machine.
const LINE_MAX: Duration = Duration::from_secs(30);

/// A child of the test. It is killed when the test ends, and its output is printed if the test panics.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Written by the two reader threads, looked at by the test; a channel would lose what nobody waited for.
    lines: Arc<Mutex<Vec<String>>>,
}

/// The built `onward`, with nothing of this process's settings. Add arguments and variables, then [`Process::start`].
pub fn onward() -> Command {
    built("onward")
}

/// A binary of this workspace. Those of other packages are built only with the whole workspace.
pub fn built(name: &str) -> Command {
    let program = find_built(name);
    let mut command = Command::new(&program);
    let ours = |name: &str| name.starts_with("ONWARD_") || name.starts_with("PG") || name == "DATABASE_URL";
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    command
}

fn find_built(name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(format!("CARGO_BIN_EXE_{name}")) {
        return path.into();
    }
    let test = std::env::current_exe().expect("a process knows its program");
    let profile = test.ancestors().find(|folder| folder.ends_with("deps")).and_then(Path::parent);
    let program = profile.or_else(|| test.parent()).expect("a program is in a folder").join(name);
    assert!(program.exists(), "{} is not built; run the tests with --workspace", program.display());
    program
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let lines = Arc::default();
        collect(child.stdout.take().expect("stdout is piped"), &lines);
        collect(child.stderr.take().expect("stderr is piped"), &lines);
        Self { child, lines }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines of both outputs so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line that contains `text`, also one that was written before this call, and returns it.
    pub async fn wait_for_line(&mut self, text: &str) -> String {
        let mut found = None;
        wait_until(LINE_MAX, &format!("a line with {text:?}"), async || {
            // Looked at first: a process may write the line and end.
            let ended = self.has_ended();
            found = self.lines().into_iter().find(|line| line.contains(text));
            assert!(found.is_some() || !ended, "the process ended without a line with {text:?}");
            found.is_some()
        })
        .await;
        found.expect("waited for")
    }

    /// Waits for the process to end by itself.
    pub async fn wait(&mut self) -> ExitStatus {
        wait_until(LINE_MAX, "the end of the process", async || self.has_ended()).await;
        self.child.wait().expect("wait for a child")
    }

    /// `SIGKILL`: nothing in the process gets to clean up.
    pub fn kill9(&mut self) {
        self.child.kill().expect("kill a child");
        self.child.wait().expect("wait for a child");
    }

    /// `SIGTERM`, then waits for the end.
    pub async fn terminate(&mut self) -> ExitStatus {
        if !self.has_ended() {
            // Until it is waited for, the number is this child's.
            kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).expect("signal a child");
        }
        self.wait().await
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("look at a child").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago, which is just as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            for line in self.lines() {
                eprintln!("process {}: {line}", self.child.id());
            }
        }
    }
}

fn collect(output: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}
