//! `onward keys …`

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key; its secret is shown once
    Create {
        /// Whose it is, for the list
        name: String,
        /// Separated by commas: triggers:create, runs:read, …
        #[arg(long, value_delimiter = ',', required_unless_present = "admin")]
        scopes: Vec<String>,
        /// Everything
        #[arg(long, conflicts_with = "scopes")]
        admin: bool,
        /// How long it is good, e.g. 90d
        #[arg(long, value_name = "DURATION")]
        expires: Option<String>,
    },
    /// All keys, revoked ones too; never their secrets
    List,
    /// The key is kept in the list and refused from now on
    Revoke {
        /// As the list shows it: key_…
        id: String,
    },
}
