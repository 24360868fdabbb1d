//! Why something stored cannot be shown.

use onward_workflows::RunId;

use crate::VersionError;
use crate::history::CorruptRow;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    /// Written by a newer binary, or damaged.
    #[error("column `{column}` of run {run} does not hold what it should")]
    Corrupt {
        run: RunId,
        column: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the version of the run cannot be read")]
    Version(#[source] VersionError),
}

impl From<CorruptRow> for ReadError {
    fn from(CorruptRow { run, column, source }: CorruptRow) -> Self {
        Self::corrupt(run, column, source)
    }
}

impl ReadError {
    pub(super) fn corrupt(
        run: RunId,
        column: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Corrupt { run, column, source: Box::new(source) }
    }
}
