//! `onward secrets …` as it is typed.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Set a secret or replace its value, which is read from a prompt or from standard input
    Set {
        /// As documents name it: letters, digits and _
        name: String,
        /// Read the value from a file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// All secrets and who uses them; never their values
    List,
    /// Take a secret away that no active workflow declares
    Unset {
        /// As the list shows it
        name: String,
    },
}
