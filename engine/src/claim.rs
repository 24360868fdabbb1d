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

impl Claimed {
    /// A job that its owner wants to read again.
    pub fn held(run: RunId, wakes: i32, crashes: i16) -> Self {
        Self {
            run,
            path: String::new(),
            queue: String::new(),
            priority: Priority::default(),
            due_at: DateTime::<Utc>::UNIX_EPOCH,
            wakes,
            crashes,
            first: false,
        }
    }
}

/// The jobs of one queue and one priority.
type Lane = (String, Priority);

/// Where one claimer looks, and from which `due_at` on. Kept by the claimer between claims.
#[derive(Debug, Default)]
pub struct Lanes {
    queues: Option<Vec<String>>,
    /// In claiming order.
    order: Vec<Lane>,
    bounds: HashMap<Lane, DateTime<Utc>>,
    claims: u32,
}

impl Lanes {
    /// `queues`: what this process serves; `None` is all.
    pub fn new(queues: Option<Vec<String>>) -> Self {
        Self { queues, ..Self::default() }
    }

    /// Looks which lanes have jobs and forgets the bounds: the next claim is a full scan.
    pub async fn refresh(&mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let rows =
            sqlx::query_file!("queries/list_lanes.sql", self.queues.as_deref() as _, LANES_MAX).fetch_all(pool).await?;
        self.order = rows.into_iter().map(|row| (row.queue, row.priority)).collect();
        self.order.sort_by(|left, right| (left.1, &left.0).cmp(&(right.1, &right.0)));
        self.bounds.clear();
        Ok(())
    }

    /// A wake-up named this queue: look at it without waiting for the next refresh.
    pub fn notice(&mut self, queue: &str) {
        let served = self.queues.as_ref().is_none_or(|queues| queues.iter().any(|known| known == queue));
        if !served || self.order.iter().any(|lane| lane.0 == queue && lane.1 == Priority::default()) {
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
