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
    /// Take over what another system has: the documents of visapi, the waiting tasks of fang
    Import {
        /// Which system
        #[arg(value_parser = ["visapi", "fang"])]
        system: String,
        /// visapi: a document, or a list of them as the system's API gives it; - for standard input
        #[arg(required_if_eq("system", "visapi"), conflicts_with_all = ["from", "in_progress"])]
        file: Option<PathBuf>,
        /// fang: the database with its table; Onward's own without it
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// fang: also tasks that have been in progress for so many minutes, because their worker died
        #[arg(long, value_name = "MINUTES")]
        in_progress: Option<u16>,
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
