//! Whose fault is it when the database refuses a batch?

use sqlx::error::DatabaseError;

/// What to do about a failed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// One of the runs wrote something that cannot be stored: find it by halving, and that run fails.
    Run,
    /// A collision with another transaction: the same batch again.
    Collision,
    /// Too slow or too large together: smaller batches.
    Load,
    /// The database's own trouble. Nobody fails; the batch is repeated while the lease holds.
    Database,
}

/// Class 23 blames a run only when the constraint is one of ours: a missing partition reports 23514 too.
const OUR_CONSTRAINTS: [&str; 11] = [
    "run_end",
    "run_failure",
    "run_error",
    "run_output_size",
    "checkpoint_attempt_positive",
    "checkpoint_error",
    "checkpoint_output_size",
    "pending_deadline",
    "pending_event",
    "job_due_finite",
    "job_cancel",
];

pub(crate) fn judge(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(error) => judge_code(error.as_ref()),
        sqlx::Error::Encode(_) => Fault::Run,
        _ => Fault::Database,
    }
}

fn judge_code(error: &dyn DatabaseError) -> Fault {
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        "40P01" | "40001" | "55P03" => Fault::Collision,
        "57014" | "53200" => Fault::Load,
        code if code.starts_with("54") => Fault::Load,
        code if code.starts_with("22") => Fault::Run,
        code if code.starts_with("23") && error.constraint().is_some_and(|name| OUR_CONSTRAINTS.contains(&name)) => {
            Fault::Run
        }
        _ => Fault::Database,
    }
}
