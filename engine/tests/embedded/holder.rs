//! Processes that hold a private server, and folders for them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, User};
use tempfile::TempDir;

/// The example `hold_postgres`, killed at the end of the test.
pub struct Holder {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Its first line: how it came to its server.
    pub started: String,
    /// A copy of the program that its user may run.
    _copy: Option<TempDir>,
}

impl Holder {
    /// Returns once it has a server.
    pub fn start(folder: &Path) -> Self {
        let mut holder = Self::spawn(folder);
        holder.started = holder.answer();
        holder
    }

    /// As another user, which takes root.
    pub fn start_as(folder: &Path, user: &User) -> Self {
        let copy = tempfile::tempdir().expect("make a folder");
        std::fs::set_permissions(copy.path(), std::fs::Permissions::from_mode(0o755)).expect("open the folder");
        let program = copy.path().join("hold_postgres");
        std::fs::copy(example(), &program).expect("copy the program");
        let mut command = Command::new(program);
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).current_dir("/");
        let mut holder = Self::run(command, folder, Some(copy));
        holder.started = holder.answer();
        holder
    }

    /// Returns at once.
    pub fn spawn(folder: &Path) -> Self {
        Self::run(Command::new(example()), folder, None)
    }

    fn run(mut command: Command, folder: &Path, copy: Option<TempDir>) -> Self {
        command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("run the example");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, output, started: String::new(), _copy: copy }
    }

    pub fn ask(&mut self) {
        let input = self.child.stdin.as_mut().expect("stdin is piped");
        input.write_all(b"ensure\n").expect("ask the holder");
    }

    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("read the holder's answer");
        line.trim().to_owned()
    }

    pub fn ensure(&mut self) -> String {
        self.ask();
        self.answer()
    }

    pub fn kill9(mut self) {
        self.child.kill().expect("kill the holder");
        self.child.wait().expect("wait for the holder");
    }

    /// In good order.
    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        assert_eq!(self.answer(), "stopped");
        assert!(self.child.wait().expect("wait for the holder").success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Mostly it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn example() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its program");
    let profile = test.ancestors().nth(2).expect("tests are in target/PROFILE/deps");
    let program = profile.join("examples/hold_postgres");
    assert!(program.exists(), "{} is not built: do not select tests by --test or --lib", program.display());
    program
}

/// A folder that the server's account may enter; removed at the end.
pub struct TestFolder(TempDir);

impl TestFolder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("make a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("open the folder");
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn entries(&self) -> Vec<String> {
        let entries = self.path().read_dir().expect("list the folder");
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    pub fn has_server(&self) -> bool {
        self.path().join("pg/postmaster.pid").exists()
    }

    pub fn server_pid(&self) -> Pid {
        let text = std::fs::read_to_string(self.path().join("pg/postmaster.pid")).expect("a server has a pid file");
        Pid::from_raw(text.lines().next().and_then(|line| line.parse().ok()).expect("its first line is the pid"))
    }
}

/// A dead child of a killed parent may stay as a zombie where nothing collects it; such a one does not run.
pub fn is_running(pid: Pid) -> bool {
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        return stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'));
    }
    !cfg!(target_os = "linux") && kill(pid, None) != Err(Errno::ESRCH)
}
