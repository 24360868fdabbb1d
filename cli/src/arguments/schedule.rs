//! `onward schedule …`

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Schedule {
    /// The next fire times
    Next {
        /// A workflow's id; all without it
        workflow: Option<String>,
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        count: usize,
    },
    /// Nothing starts until it is resumed; a deploy changes nothing about that
    Pause {
        /// A workflow's id; with several cron triggers WORKFLOW:TRIGGER
        name: String,
        /// End the pause at an instant (2026-11-24T10:00:00Z), or after so long (2h)
        #[arg(long, value_name = "WHEN")]
        until: Option<String>,
    },
    /// Go on; what was due in the pause is not caught up
    Resume {
        /// A workflow's id; with several cron triggers WORKFLOW:TRIGGER
        name: String,
    },
    /// Start runs for times that have gone by without one
    Backfill {
        /// A workflow's id; with several cron triggers WORKFLOW:TRIGGER
        name: String,
        /// The first time: an instant (2026-11-24T10:00:00Z), or how long ago (2d)
        #[arg(long, value_name = "WHEN")]
        from: String,
        /// Before this time; until now without it
        #[arg(long, value_name = "WHEN")]
        to: Option<String>,
        /// All at once, instead of one after the end of the other
        #[arg(long)]
        at_once: bool,
        /// Count only
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}
