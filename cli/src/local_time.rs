//! The clock of this machine, for what a person is shown. What is decided and stored goes by the database's clock.

use chrono::{DateTime, Utc};

#[expect(
    clippy::disallowed_methods,
    reason = "commands that need no database show times too; nothing is decided by it"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
