//! What operators do to runs: going on after a failure, running again, settling what waits. All of it is audited.

mod replay;
mod retry;
mod settle;

use onward_workflows::RunId;
use serde_json::Value;
use sqlx::PgConnection;

pub use replay::{Replay, ReplayError, ReplayVersion, replay};
pub use retry::{RetryError, retry};
pub use settle::{SettleError, Settling, settle};

/// Who did what to a run.
async fn note(
    connection: &mut PgConnection,
    by: &str,
    action: &str,
    run: RunId,
    path: Option<&str>,
    detail: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query_file!("queries/insert_audit.sql", by, action, run.0, path, detail.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
