//! An installation of its own for each test, and its commands.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use onward_testkit::{Process, free_port, onward};
use serde_json::Value;
use tempfile::TempDir;

/// A lease, a sweep, and what a busy machine adds.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Where an installation lives, and how its commands are told.
pub struct Place {
    pub folder: TempDir,
    pub listen: String,
    pub variables: Vec<(&'static str, String)>,
}

impl Place {
    pub fn new(variables: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().expect("make a folder");
        Self { folder, listen: format!("127.0.0.1:{}", free_port()), variables }
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("write a file");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = onward();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("ONWARD_LISTEN", &self.listen)
            .env("ONWARD_LOG", "warn");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Output {
        tokio::process::Command::from(self.command(arguments)).output().await.expect("run the command")
    }

    /// What a command that must work prints.
    pub async fn ask(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub async fn serve(&self, arguments: &[&str]) -> Process {
        let mut process = Process::start(&mut self.command(arguments));
        process.wait_for_line("ready").await;
        process
    }

    pub async fn make_key(&mut self) {
        let made: Value = serde_json::from_str(&self.ask(&["keys", "create", "test", "--admin", "--json"]).await)
            .expect("a key as JSON");
        self.variables.push(("ONWARD_KEY", made["secret"].as_str().expect("a secret").to_owned()));
    }

    pub async fn count_runs(&self, status: &str) -> usize {
        self.ask(&["runs", "list", "--json", "-n", "500", "--status", status]).await.lines().count()
    }
}

pub fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name).display().to_string()
}

/// The process must not have been waited for: its number could be another's by then.
pub fn send_signal(process: u32, signal: Signal) {
    kill(Pid::from_raw(process.cast_signed()), signal).expect("the process takes signals");
}
