//! Which step types a document may use: the binary's own, and those of the workers that are there.

use onward_workflows::Catalog;

use crate::Engine;
use crate::lease::LEASE;

/// Names that one look takes in.
const TYPES_MAX: i64 = 1_000;

/// What documents are checked against before they are deployed.
pub async fn offered_catalog(engine: &Engine) -> Result<Catalog, sqlx::Error> {
    let names = sqlx::query_file_scalar!("queries/list_offered_types.sql", LEASE.as_secs_f64(), TYPES_MAX)
        .fetch_all(engine.pool())
        .await?;
    Ok(engine.versions().catalog().offering(names))
}
