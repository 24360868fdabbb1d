//! Commands for whoever writes documents.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Author {
    /// Write a workflow from a template; list the templates without one
    New {
        /// hello, cron-report, webhook, loop, approval or saga
        template: Option<String>,
        /// What the workflow is called; its file and id follow from it
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Show what a deploy would change, by what the documents mean
    Diff {
        /// Files or folders; the documents of this folder without any
        files: Vec<PathBuf>,
        /// End with 9 when there are differences
        #[arg(long)]
        exit_code: bool,
    },
    /// Rewrite documents of another system in today's words, with notes for whoever reviews them
    Import {
        /// Which system
        #[arg(value_parser = ["visapi"])]
        system: String,
        /// A document, or a list of them as the system's API gives it; - for standard input
        file: PathBuf,
        /// Write a file for each document there instead of printing it
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// What to write
        #[arg(long, value_name = "FORMAT", value_parser = ["yaml", "json"], default_value = "yaml")]
        format: String,
    },
    /// Print the JSON Schema of documents, for completion in editors
    Schema {
        /// Write it there instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
