//! `onward runs …`, `onward replay`

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// The newest first
    List {
        /// queued, running, waiting, succeeded, failed or canceled; may be repeated
        #[arg(long)]
        status: Vec<String>,
        /// A workflow's id; may be repeated
        #[arg(long, value_name = "ID")]
        workflow: Vec<String>,
        /// Only runs that were made since then: an instant (2026-11-24T10:00:00Z), or how long ago (2h)
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// How many at most
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// One run: why it is where it is, then its steps
    Show {
        /// Its id, or as much of it as is unique
        run: String,
        /// Only this step, with its output or its error: each[2].send
        #[arg(long, value_name = "PATH")]
        step: Option<String>,
    },
    /// Watch a run to its end; the exit code says how it ended
    Follow {
        /// Its id, or as much of it as is unique
        run: String,
        /// Stop watching after so long; the run goes on
        #[arg(long, value_name = "DURATION")]
        timeout: Option<String>,
    },
    /// Ask for a run to be canceled
    Cancel {
        /// Its id, or as much of it as is unique
        run: String,
        /// Why, for the server's log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Undo what has succeeded, too
        #[arg(long)]
        undo: bool,
    },
    /// A step that waits has succeeded: it was done by hand, or is known to have been done
    Complete {
        /// Its id, or as much of it as is unique
        run: String,
        /// As `runs show` prints it: each[2].send
        path: String,
        /// What it yields, as JSON; nothing without it
        #[arg(long, value_name = "JSON", conflicts_with = "output_file")]
        output: Option<String>,
        /// The same from a file, or - for standard input
        #[arg(long, value_name = "FILE")]
        output_file: Option<PathBuf>,
    },
    /// A step that waits is left out
    Skip {
        /// Its id, or as much of it as is unique
        run: String,
        /// As `runs show` prints it: each[2].send
        path: String,
    },
    /// Another attempt, now, of an ambiguous step or of one that pauses between attempts
    RetryStep {
        /// Its id, or as much of it as is unique
        run: String,
        /// As `runs show` prints it: each[2].send
        path: String,
    },
}

#[derive(Debug, Args)]
pub struct Replay {
    /// Its id, or as much of it as is unique
    pub run: String,
    /// One input, in place of what the other run was given; the value is JSON if it can be read as JSON
    #[arg(short = 'i', value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// All inputs as JSON: a file, or - for standard input
    #[arg(long = "input", value_name = "FILE")]
    pub inputs_from: Option<PathBuf>,
    /// Begin at this step, and take over the results of those before it
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// The run's own version, the newest, or a number
    #[arg(long, value_name = "same|latest|N", default_value = "same")]
    pub version: String,
    /// Follow the new run to its end
    #[arg(long)]
    pub follow: bool,
}
