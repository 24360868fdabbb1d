//! Sessions whose transactions a test opens and ends by hand, and our statements as text, so that a piece of them can be
//! taken away.

use chrono::{DateTime, Utc};
use onward_engine::{Claimed, StartRun};
use onward_workflows::{RunId, WorkerId};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use uuid::Uuid;

use crate::bed::Bed;

const QUERIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/queries");

/// The fence as it stands in every statement that has one.
pub const FENCE: &str = "select w.id from onward.worker w where w.id = $1 for key share";

/// One of our statements, as it is built in.
pub fn query(name: &str) -> String {
    std::fs::read_to_string(format!("{QUERIES}/{name}.sql")).expect("the query's file is there")
}

/// The statement with one piece replaced; a piece that is not there any more fails the test instead of passing it.
pub fn replaced(statement: &str, piece: &str, by: &str) -> String {
    assert!(statement.contains(piece), "the statement has changed: it does not contain `{piece}`");
    statement.replace(piece, by)
}

pub struct Session(PgConnection);

/// What the statement that starts a run answered.
#[derive(Debug, PartialEq, Eq)]
pub struct StartAnswer {
    pub begun: bool,
    pub claimed: bool,
    pub first_run: Option<Uuid>,
    pub first_hash: Option<Vec<u8>>,
}

impl Session {
    pub async fn open(bed: &Bed) -> Self {
        Self(bed.database.connection().await)
    }

    pub async fn begin(bed: &Bed) -> Self {
        let mut session = Self::open(bed).await;
        session.run("begin").await;
        session
    }

    pub async fn commit(mut self) {
        self.run("commit").await;
        self.0.close().await.expect("close the session");
    }

    pub async fn roll_back(mut self) {
        self.run("rollback").await;
        self.0.close().await.expect("close the session");
    }

    pub async fn run(&mut self, statement: &str) {
        self.0.execute(AssertSqlSafe(statement)).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// A statement about one row, named by its id.
    pub async fn run_on(&mut self, statement: &str, id: Uuid) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query(AssertSqlSafe(statement)).bind(id).execute(&mut self.0).await?.rows_affected())
    }

    pub async fn claim(&mut self, statement: &str, worker: WorkerId, seats: i64) -> Vec<RunId> {
        sqlx::query(AssertSqlSafe(statement))
            .bind(worker.0)
            .bind(vec!["default"])
            .bind(vec!["normal"])
            .bind(vec![DateTime::<Utc>::UNIX_EPOCH])
            .bind(seats)
            .fetch_all(&mut self.0)
            .await
            .expect("the claim is answered")
            .iter()
            .map(|row| RunId(row.get(0)))
            .collect()
    }

    /// `commit_checkpoints` with one row of one run; true when the run was this worker's.
    pub async fn add_checkpoint(&mut self, statement: &str, worker: WorkerId, job: &Claimed, output: &str) -> bool {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        sqlx::query(AssertSqlSafe(statement))
            .bind(worker.0)
            .bind(vec![job.run.0])
            .bind(vec![job.wakes])
            .bind(vec![job.run.0])
            .bind(vec!["a"])
            .bind(vec![1_i32])
            .bind(vec!["succeeded"])
            .bind(vec![output])
            .bind(vec![None::<&str>])
            .bind(vec![at])
            .bind(vec![at])
            .fetch_optional(&mut self.0)
            .await
            .expect("the commit is answered")
            .is_some()
    }

    /// `commit_batch` with one run and nothing but its move: (owned, parked).
    pub async fn move_job(
        &mut self,
        statement: &str,
        worker: WorkerId,
        job: &Claimed,
        step: &str,
        seen: Option<i32>,
    ) -> (bool, bool) {
        let (texts, ints): (Vec<&str>, Vec<i32>) = (Vec::new(), Vec::new());
        let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = (Vec::new(), Vec::new());
        let ends = (step == "end").then_some("succeeded");
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(worker.0)
            .bind(vec![job.run.0])
            .bind(vec![job.wakes])
            .bind(vec![step])
            .bind(vec![seen])
            .bind(vec![Some(job.due_at + chrono::TimeDelta::hours(1))])
            .bind(vec![ends])
            .bind(vec![ends.map(|_| "\"from the stale worker\"")])
            .bind(vec![None::<&str>])
            .bind(vec![false])
            .bind(vec![false])
            .bind(&ids)
            .bind(&texts)
            .bind(&ints)
            .bind(&texts)
            .bind(&texts)
            .bind(&texts)
            .bind(&times)
            .bind(&times)
            .bind(&ids)
            .bind(&texts)
            .bind(&ints)
            .bind(Vec::<bool>::new())
            .bind(vec![None::<&str>])
            .bind(&ids)
            .bind(&texts)
            .bind(&ints)
            .bind(&texts)
            .bind(&times)
            .bind(&texts)
            .bind(&texts)
            .bind(&times)
            .bind(&ids)
            .bind(&texts)
            .bind(&ints)
            .bind(&texts)
            .bind(&texts)
            .fetch_one(&mut self.0)
            .await
            .expect("the commit is answered");
        (row.get("owned!"), row.get("parked!"))
    }

    /// Which of these keys were obtained, in the order given.
    pub async fn lock_keys(&mut self, statement: &str, keys: &[&str]) -> Result<Vec<bool>, sqlx::Error> {
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(vec!["test"; keys.len()])
            .bind(keys)
            .fetch_all(&mut self.0)
            .await?;
        let mut held: Vec<(i64, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        held.sort_unstable();
        Ok(held.into_iter().map(|(_, held)| held).collect())
    }

    /// `start_runs` with one run, to be claimed by `worker` if there is one.
    pub async fn start(&mut self, statement: &str, worker: Option<WorkerId>, start: &StartRun) -> StartAnswer {
        let key = start.key.as_ref();
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(worker.map(|worker| worker.0))
            .bind(1_i64)
            .bind(vec![start.run.0])
            .bind(vec![start.version.workflow.as_str()])
            .bind(vec![start.version.version])
            .bind(vec![None::<&str>])
            .bind(vec![None::<&str>])
            .bind(vec![start.inputs.to_string()])
            .bind(vec![None::<&str>])
            .bind(vec![start.created_at])
            .bind(vec![None::<DateTime<Utc>>])
            .bind(vec![start.queue.as_str()])
            .bind(vec![start.priority.as_str()])
            .bind(vec![start.created_at])
            .bind(vec![worker.is_some()])
            .bind(vec![key.map(|key| key.scope.as_str())])
            .bind(vec![key.map(|key| key.key.as_str())])
            .bind(vec![key.map(|key| key.request_hash.to_vec())])
            .bind(vec![key.map(|key| key.ttl.as_secs_f64())])
            .bind(None::<&str>)
            .fetch_one(&mut self.0)
            .await
            .expect("the start is answered");
        StartAnswer {
            begun: row.get("begun!"),
            claimed: row.get("claimed!"),
            first_run: row.get("first_run?"),
            first_hash: row.get("first_hash?"),
        }
    }
}

/// The five characters that tell one refusal from another.
pub fn code_of(error: &sqlx::Error) -> String {
    let database = error.as_database_error().unwrap_or_else(|| panic!("not the database's answer: {error}"));
    database.code().unwrap_or_default().into_owned()
}
