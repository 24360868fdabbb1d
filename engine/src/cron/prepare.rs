//! From an instant to a run.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::FireError;
use crate::start::{PrepareRun, StartRun};
use crate::{Engine, Version, VersionError};

/// A run, or why there is none.
pub(crate) async fn prepare(
    engine: &Engine,
    workflow: &str,
    version: i32,
    trigger_id: &str,
    nominal_at: DateTime<Utc>,
) -> Result<Result<StartRun, String>, FireError> {
    let version: Arc<Version> = match engine.versions().load(engine.pool(), workflow, version).await {
        Ok(version) => version,
        Err(VersionError::Database(error)) => return Err(error.into()),
        Err(error @ (VersionError::NotFound { .. } | VersionError::Undecodable { .. })) => {
            return Ok(Err(error.to_string()));
        }
    };
    let request = PrepareRun {
        trigger_id: Some(trigger_id.to_owned()),
        trigger: json!({ "type": "cron", "id": trigger_id, "time": nominal_at, "scheduled_at": nominal_at }),
        inputs: json!({}),
        scheduled_at: Some(nominal_at),
        key: None,
    };
    Ok(engine.prepare(version, request).map_err(|error| error.to_string()))
}
