//! The command line as it is typed.

#![expect(clippy::doc_markdown, reason = "these comments are printed as help, where backticks are noise")]

mod author;
mod events;
mod keys;
mod runs;
mod schedule;
mod secrets;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::author::Author;
pub use self::events::Events;
pub use self::keys::Keys;
pub use self::runs::{Replay, Runs};
pub use self::schedule::Schedule;
pub use self::secrets::Secrets;

/// Durable workflows in one file, one binary, one Postgres
#[derive(Debug, Parser)]
#[command(name = "onward", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    pub settings: SettingFlags,
    #[command(subcommand)]
    pub command: Command,
}

/// Settings as flags; each is also an environment variable and a line in `onward.toml`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingFlags {
    /// Postgres to use instead of a private one [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub database_url: Option<String>,
    /// Folder of the private Postgres and the development key [env: ONWARD_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub data_dir: Option<String>,
    /// Where the API listens [env: ONWARD_LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS", hide_short_help = true)]
    pub listen: Option<String>,
    /// Which events are logged, e.g. info,onward_engine=debug [env: ONWARD_LOG]
    #[arg(long, global = true, value_name = "FILTER", hide_short_help = true)]
    pub log: Option<String>,
    /// Queues that a worker serves, separated by commas; all without it [env: ONWARD_QUEUES]
    #[arg(long, global = true, value_name = "NAMES", hide_short_help = true)]
    pub queues: Option<String>,
    /// Step types that a worker carries out, separated by commas; all without it [env: ONWARD_STEP_TYPES]
    #[arg(long, global = true, value_name = "TYPES", hide_short_help = true)]
    pub step_types: Option<String>,
    /// Attempts in flight at once [env: ONWARD_SEATS]
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    pub seats: Option<String>,
    /// File with the master key and the pepper [env: ONWARD_KEYRING]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub keyring: Option<String>,
    /// For development: shop.test=127.0.0.1:9101,… [env: ONWARD_HTTP_HOSTS]
    #[arg(long, global = true, value_name = "HOSTS", hide_short_help = true)]
    pub http_hosts: Option<String>,
    /// Lets `serve` and `worker` use --http-hosts [env: ONWARD_ALLOW_HTTP_HOSTS]
    #[arg(long, global = true, hide_short_help = true)]
    pub allow_http_hosts: bool,
    /// The server that commands ask [env: ONWARD_SERVER]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub server: Option<String>,
    /// The key that commands show it [env: ONWARD_KEY]
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub key: Option<String>,
    /// Print JSON; lists print one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// No colour, no live lines
    #[arg(long, global = true, hide_short_help = true)]
    pub plain: bool,
}

const TEST_HELP: &str = "\
A test file:
  workflow: deliver.yaml              # seen from this file
  cases:
    - name: a busy service is asked again
      inputs: { order: IL1 }
      outcomes:                       # what steps come to; a list: one for each attempt
        fetch: [ { error: 503 }, { output: { status: 200, body: { id: 7 } } } ]
      events: [ { name: paid, key: IL1, after: 2h } ]
      expect: { status: succeeded, output: { id: 7 }, steps: { fetch: { attempts: 2 } } }

All fields: onward explain testing. Exit code 3: a case failed, or a file is wrong.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process: Postgres, API, worker, and a watched folder of documents
    Dev {
        /// Folder with documents; its `workflows` folder if it has one
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Check, deploy and end
        #[arg(long)]
        once: bool,
        /// Services to use for real, separated by commas: shop, airtable, cbb, whatsapp, slack, email, or all
        #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
        live: Vec<String>,
    },
    /// API, schedules and a worker
    Serve {
        /// Leave the work to `onward worker` elsewhere
        #[arg(long)]
        no_worker: bool,
    },
    /// A worker, without the API
    Worker,
    /// Bring the database to this binary's state, or show where it is
    Migrate {
        #[command(subcommand)]
        action: Option<Migrate>,
    },
    /// Check documents without a server
    Validate {
        /// Files or folders, or - for standard input; the documents of this folder without any
        files: Vec<PathBuf>,
        /// Do what diagnostics propose where that cannot change the meaning, and write the files
        #[arg(long)]
        fix: bool,
        /// With --fix: also where only the author can know
        #[arg(long = "unsafe", requires = "fix")]
        any_fix: bool,
        /// Check again whenever something changes, until Ctrl-C
        #[arg(long, conflicts_with = "fix")]
        watch: bool,
    },
    /// Lay documents out: one layout for everybody, with the comments kept
    Fmt {
        /// Files or folders, or - for standard input; the documents of this folder without any
        files: Vec<PathBuf>,
        /// Write nothing, name the files that would change
        #[arg(long)]
        check: bool,
    },
    #[command(flatten)]
    Author(Author),
    /// Check documents, show what would change, and deploy them
    Deploy {
        /// Files or folders; the documents of this folder without any
        files: Vec<PathBuf>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Show the plan only
        #[arg(long)]
        dry_run: bool,
        /// Switch off the workflows that are not among the files
        #[arg(long)]
        prune: bool,
    },
    /// Show what a changed document would have done with recorded runs; exit 9 if something differs
    Simulate {
        /// The document
        file: PathBuf,
        /// How many of the newest ended runs
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
        last: u16,
    },
    /// Start a run and follow it to its end
    Run {
        /// A workflow's id, or a file to deploy first
        workflow: String,
        /// One input; the value is JSON if it can be read as JSON
        #[arg(short = 'i', value_name = "NAME=VALUE")]
        inputs: Vec<String>,
        /// All inputs as JSON: a file, or - for standard input
        #[arg(long = "input", value_name = "FILE")]
        inputs_from: Option<PathBuf>,
        /// Print the id and leave
        #[arg(long)]
        detach: bool,
        /// Stop watching after so long; the run goes on
        #[arg(long, value_name = "DURATION")]
        timeout: Option<String>,
    },
    /// Start a run as an outside caller does
    Trigger {
        /// As the document's webhook trigger names it
        endpoint: String,
        /// The body: JSON, or @FILE
        #[arg(short, long, default_value = "{}")]
        data: String,
        /// The same key again starts nothing
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Follow the run to its end
        #[arg(long)]
        wait: bool,
    },
    /// Look at runs, cancel them, settle what they wait for
    #[command(subcommand)]
    Runs(Runs),
    /// Let a failed run go on, from the steps that failed
    Retry {
        /// Its id, or as much of it as is unique
        run: String,
        /// Only this path, or what is inside it: each[2]
        #[arg(long, value_name = "PATH")]
        only: Option<String>,
    },
    /// Start a new run with what another one was given
    Replay(Replay),
    /// Send events, and look at those that came
    #[command(subcommand)]
    Events(Events),
    /// Look at schedules, pause them, run what has not run
    #[command(subcommand)]
    Schedule(Schedule),
    /// Make, list and revoke API keys; works on the database, beside a running server
    #[command(subcommand)]
    Keys(Keys),
    /// What keeps steps and runs waiting now: rates that are used up, slots that are taken
    Limits,
    /// Set, list and unset what documents read as secrets.NAME
    #[command(subcommand)]
    Secrets(Secrets),
    /// List the step types; with --server also those that its workers offer
    Types,
    /// One page about a code, a step type or a field; the list of pages without a topic
    Explain {
        /// E107, http.request, retry, …
        topic: Option<String>,
    },
    /// Draw the steps of a document
    Graph {
        /// A document, or - for standard input
        file: PathBuf,
        /// A tree for the terminal, a Mermaid flowchart, or an SVG that stands alone
        #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "mermaid", "svg"])]
        format: String,
    },
    /// Run the cases of *.test.yaml files: no server, no network, and the clock jumps over every wait
    #[command(after_help = TEST_HELP)]
    Test {
        /// Files or folders; the tests of this folder without any
        files: Vec<PathBuf>,
        /// Only cases with this text in their name
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
    },
    /// Try an expression, or a text with {{ }}; strings are printed as they are, unless --json
    Eval {
        /// For example: inputs.rows | length
        expression: String,
        /// A map of names that can be read (inputs, steps, trigger, item, …): a YAML or JSON file, or -
        #[arg(long, value_name = "FILE")]
        data: Option<PathBuf>,
        /// The data of this run, as an expression behind its steps reads them, without secrets
        #[arg(long, value_name = "RUN", conflicts_with = "data")]
        run: Option<String>,
        /// One input; the value is JSON if it can be read as JSON
        #[arg(short = 'i', long = "input", value_name = "NAME=VALUE")]
        inputs: Vec<String>,
    },
    /// Check this installation
    Doctor {
        /// Print nothing, set the exit code
        #[arg(long, value_name = "WHAT", value_parser = ["live", "ready"])]
        probe: Option<String>,
    },
    /// Help about a command, or a page: agents, exit-codes, environment
    Help {
        /// A command's words, or a page
        topic: Vec<String>,
    },
    /// Print the version
    Version,
    /// Print a completion script
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Migrate {
    /// Which migrations have been applied
    Status,
    /// Apply what is missing
    Up,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_readme_exists() {
        let readme = include_str!("../../README.md");
        let commands = readme.lines().filter(|line| line.starts_with("onward "));
        let mut seen = 0;
        for line in commands {
            let words = line.split('#').next().unwrap_or_default().trim_end_matches([' ', '&']).split_whitespace();
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{line}: {error}");
            }
            seen += 1;
        }
        assert!(seen >= 8, "the README shows {seen} commands");
    }
}
