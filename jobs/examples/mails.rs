//! Existing fang tasks on Onward: enqueue some, and carry them out until Ctrl-C.
//!
//!     DATABASE_URL=postgres://me@localhost/onward cargo run --example mails
//!
//! `onward runs list` beside it shows the runs.

use std::time::Duration;

use fang::{AsyncQueueable, AsyncRunnable, FangError, Scheduled, async_trait, typetag};
use onward_jobs::{Jobs, WorkSettings, context};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct SendMail {
    to: String,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for SendMail {
    async fn run(&self, _queue: &dyn AsyncQueueable) -> Result<(), FangError> {
        // The same for every attempt, so the mail service can tell a repeated one.
        let key = context().map(|job| job.key).unwrap_or_default();
        println!("mail to {} ({key})", self.to);
        Ok(())
    }

    fn max_retries(&self) -> i32 {
        5
    }
}

#[derive(Serialize, Deserialize)]
struct Digest;

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Digest {
    async fn run(&self, queue: &dyn AsyncQueueable) -> Result<(), FangError> {
        for reader in ["ann@example.test", "ben@example.test"] {
            queue.insert_task(&SendMail { to: reader.to_owned() }).await?;
        }
        Ok(())
    }

    fn uniq(&self) -> bool {
        true
    }

    /// Every minute. Fang's fields: second, minute, hour, day, month, day of the week, year.
    fn cron(&self) -> Option<Scheduled> {
        Some(Scheduled::CronPattern("0 * * * * * *".to_owned()))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::vars().find_map(|(name, value)| (name == "DATABASE_URL").then_some(value));
    let jobs = Jobs::connect(&url.ok_or_else(|| anyhow::anyhow!("set DATABASE_URL"))?).await?;
    let task = jobs.insert_task(&SendMail { to: "eve@example.test".to_owned() }).await?;
    println!("enqueued {}", task.id);
    jobs.schedule_task(&Digest).await?;
    let settings = WorkSettings { drain_max: Duration::from_secs(10), ..WorkSettings::default() };
    let stop = async {
        // Without signals it works until it is killed, which does no harm either.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(jobs.work(settings, stop).await?)
}
