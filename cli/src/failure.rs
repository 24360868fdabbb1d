//! Why a command failed, and the exit code that says so.

use std::process::ExitCode;

/// The exit codes are part of the interface; scripts branch on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Failed = 1,
    Usage = 2,
    Invalid = 3,
    NotFound = 4,
    NotAllowed = 5,
    Conflict = 6,
    TimedOut = 7,
    Unreachable = 8,
    /// There are differences.
    Different = 9,
    Canceled = 10,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, error: anyhow::Error::msg(text.into()) }
    }

    pub fn because(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// The same with a line that says what to do about it.
    pub fn with_hint(self, hint: &str) -> Self {
        Self::new(self.exit, format!("{}\n  {hint}", self.text()))
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    pub fn report(&self) -> ExitCode {
        eprintln!("onward: {}", self.text());
        self.exit.into()
    }

    pub fn text(&self) -> String {
        format!("{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error }
    }
}
