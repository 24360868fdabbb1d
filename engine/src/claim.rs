//! Claiming: one batch of due jobs for one process, free seats only.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use onward_workflows::{RunId, WorkerId};
use sqlx::PgPool;

use crate::Priority;

/// Lanes that one claim looks at.
const LANES_MAX: i64 = 1_000;
/// How far the lower bound trails the highest claimed `due_at`: rows that commit late still lie above it.
const BOUND_MARGIN: TimeDelta = TimeDelta::milliseconds(250);
/// Every so many claims the oldest job goes first, whatever its priority.
const OLDEST_EVERY: u32 = 10;

/// How the names of queues begin that no document can name: each is for one step type.
const TYPE_QUEUES: &str = "type:";

/// How the names of queues begin that are only for workers which name them: what others could do with a run there is to
/// hand its one step on.
pub(crate) const TASK_QUEUES: &str = "fang.";

/// Whether a worker that serves `queues`, or all, serves this one.
pub(crate) fn is_served(queues: Option<&[String]>, queue: &str) -> bool {
    match queues {
        Some(queues) => queues.iter().any(|known| known == queue),
        None => !queue.starts_with(TASK_QUEUES),
    }
}

/// The queue of the steps of a type that the worker which carries their run does not have.
pub fn type_queue(step_type: &str) -> String {
    format!("{TYPE_QUEUES}{step_type}")
}

/// A job that is now this worker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub run: RunId,
    pub path: String,
    pub queue: String,
    pub priority: Priority,
    pub due_at: DateTime<Utc>,
    /// The job's `wakes` after the claim; later writes join on it.
    pub wakes: i32,
    pub crashes: i16,
    /// Never owned and never woken before: there is no history to read.
    pub first: bool,
}

/// What tells a job from all others: its run, and for a routed step its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobName {
    pub run: RunId,
    /// Empty for the run itself.
    pub path: String,
}

impl JobName {
    pub fn of_run(run: RunId) -> Self {
        Self { run, path: String::new() }
    }
}

impl Claimed {
    pub fn name(&self) -> JobName {
        JobName { run: self.run, path: self.path.clone() }
    }
}

/// The jobs of one queue and one priority.
type Lane = (String, Priority);

/// Where one claimer looks, and from which `due_at` on. Kept by the claimer between claims.
#[derive(Debug, Default)]
pub struct Lanes {
    queues: Option<Vec<String>>,
    /// The queues of the step types that this process carries out.
    types: Vec<String>,
    /// In claiming order.
    order: Vec<Lane>,
    bounds: HashMap<Lane, DateTime<Utc>>,
    claims: u32,
}

impl Lanes {
    /// `queues`: what this process serves; `None` is all. `step_types`: what it carries out; steps of these types that
    /// others could not carry out come to it too.
    pub fn new(queues: Option<Vec<String>>, step_types: &[&str]) -> Self {
        let types = step_types.iter().map(|step_type| type_queue(step_type)).collect();
        Self { queues, types, ..Self::default() }
    }

    fn serves(&self, queue: &str) -> bool {
        if queue.starts_with(TYPE_QUEUES) {
            return self.types.iter().any(|known| known == queue);
        }
        is_served(self.queues.as_deref(), queue)
    }

    /// Looks which lanes have jobs and forgets the bounds: the next claim is a full scan.
    pub async fn refresh(&mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let rows = sqlx::query_file!("queries/list_lanes.sql", self.queues.as_deref() as _, LANES_MAX, &self.types)
            .fetch_all(pool)
            .await?;
        self.order = rows.into_iter().map(|row| (row.queue, row.priority)).collect();
        self.order.sort_by(|left, right| (left.1, &left.0).cmp(&(right.1, &right.0)));
        self.bounds.clear();
        Ok(())
    }

    /// A wake-up named this queue: look at it without waiting for the next refresh.
    pub fn notice(&mut self, queue: &str) {
        if !self.serves(queue) || self.order.iter().any(|lane| lane.0 == queue && lane.1 == Priority::default()) {
            return;
        }
        for priority in Priority::ALL {
            if !self.order.iter().any(|lane| lane.0 == queue && lane.1 == priority) {
                self.order.push((queue.to_owned(), priority));
            }
        }
        self.order.sort_by(|left, right| (left.1, &left.0).cmp(&(right.1, &right.0)));
    }

    fn raise_bounds(&mut self, claimed: &[Claimed]) {
        for job in claimed {
            let bound = job.due_at - BOUND_MARGIN;
            let lane = (job.queue.clone(), job.priority);
            self.bounds.entry(lane).and_modify(|known| *known = (*known).max(bound)).or_insert(bound);
        }
    }

    fn bounds_of(&self, order: &[Lane]) -> Vec<DateTime<Utc>> {
        order.iter().map(|lane| self.bounds.get(lane).copied().unwrap_or(DateTime::<Utc>::UNIX_EPOCH)).collect()
    }

    /// The lane with the oldest job first, whatever its priority, so that a low one is not starved.
    async fn by_age(&self, pool: &PgPool) -> Result<Vec<Lane>, sqlx::Error> {
        let (queues, priorities) = names(&self.order);
        let bounds = self.bounds_of(&self.order);
        let heads = sqlx::query_file_scalar!("queries/read_heads.sql", &queues as _, &priorities as _, &bounds)
            .fetch_all(pool)
            .await?;
        let mut lanes: Vec<_> = heads.into_iter().zip(&self.order).collect();
        lanes.sort_by_key(|(head, _)| head.unwrap_or(DateTime::<Utc>::MAX_UTC));
        Ok(lanes.into_iter().map(|(_, lane)| lane.clone()).collect())
    }

    /// When the next job of these lanes becomes due.
    pub async fn next_due(&self, pool: &PgPool) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        let (queues, priorities) = names(&self.order);
        sqlx::query_file_scalar!("queries/find_next_due.sql", &queues as _, &priorities as _).fetch_one(pool).await
    }
}

fn names(order: &[Lane]) -> (Vec<&str>, Vec<&'static str>) {
    order.iter().map(|(queue, priority)| (queue.as_str(), priority.as_str())).unzip()
}

/// Claims up to `seats` due jobs. An empty answer means that there are none, or that the worker's row is gone.
pub async fn claim(
    pool: &PgPool,
    worker: WorkerId,
    lanes: &mut Lanes,
    seats: usize,
) -> Result<Vec<Claimed>, sqlx::Error> {
    if lanes.order.is_empty() || seats == 0 {
        return Ok(Vec::new());
    }
    lanes.claims = lanes.claims.wrapping_add(1);
    let order = if lanes.claims.is_multiple_of(OLDEST_EVERY) { lanes.by_age(pool).await? } else { lanes.order.clone() };
    let (queues, priorities) = names(&order);
    let seats = i64::try_from(seats).expect("seats are few");
    let rows = sqlx::query_file!(
        "queries/claim_jobs.sql",
        worker.0,
        &queues as _,
        &priorities as _,
        &lanes.bounds_of(&order),
        seats
    )
    .fetch_all(pool)
    .await?;
    let claimed: Vec<Claimed> = rows
        .into_iter()
        .map(|row| Claimed {
            run: RunId(row.run_id),
            path: row.path,
            queue: row.queue,
            priority: row.priority,
            due_at: row.due_at,
            wakes: row.wakes,
            crashes: row.crashes,
            first: row.wakes == 1,
        })
        .collect();
    lanes.raise_bounds(&claimed);
    metrics::histogram!("onward_claim_batch_size").record(f64::from(u32::try_from(claimed.len()).unwrap_or(u32::MAX)));
    Ok(claimed)
}
