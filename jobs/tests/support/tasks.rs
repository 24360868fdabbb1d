//! Tasks that write into a book what they do: a file of their own, which no fault of the queue can change.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use fang::{AsyncQueueable, AsyncRunnable, FangError, Scheduled, async_trait, typetag};
use serde::{Deserialize, Serialize};

/// One line, written at once, so that lines of several processes do not mix.
pub fn note(book: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(book).expect("open the book");
    file.write_all(format!("{line}\n").as_bytes()).expect("write into the book");
}

pub fn lines(book: &Path) -> Vec<String> {
    std::fs::read_to_string(book).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn no(text: &str) -> Result<(), FangError> {
    Err(FangError { description: text.to_owned() })
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    pub book: PathBuf,
    pub text: String,
    pub unique: bool,
    pub lane: Option<String>,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Note {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.book, &self.text);
        Ok(())
    }

    fn uniq(&self) -> bool {
        self.unique
    }

    fn task_type(&self) -> String {
        self.lane.clone().unwrap_or_else(|| "common".to_owned())
    }
}

/// Says that it has begun, and then waits for ever, unless it has begun so often before.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hang {
    pub book: PathBuf,
    pub times: usize,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Hang {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        let before = lines(&self.book).len();
        note(
            &self.book,
            &format!("{} of {}", onward_jobs::context().expect("inside of run").attempt, std::process::id()),
        );
        if before < self.times {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Fails until the book has so many lines.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fail {
    pub book: PathBuf,
    pub until: usize,
    pub panics: bool,
    pub retries: i32,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Fail {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.book, "tried");
        let tries = lines(&self.book).len();
        if tries >= self.until {
            return Ok(());
        }
        assert!(!self.panics, "panic {tries}");
        no(&format!("failure {tries}"))
    }

    fn max_retries(&self) -> i32 {
        self.retries
    }

    fn backoff(&self, attempt: u32) -> u32 {
        600 * (attempt + 1)
    }
}

/// Enqueues others, and then hangs when it is the first time.
#[derive(Debug, Serialize, Deserialize)]
pub struct Family {
    pub book: PathBuf,
    pub names: Vec<String>,
    pub unique: bool,
    pub fails: bool,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Family {
    async fn run(&self, queue: &dyn AsyncQueueable) -> Result<(), FangError> {
        for name in &self.names {
            let child = Note { book: self.book.clone(), text: name.clone(), unique: self.unique, lane: None };
            queue.insert_task(&child).await?;
        }
        let first = !lines(&self.book).contains(&"enqueued".to_owned());
        note(&self.book, "enqueued");
        match (first, self.fails) {
            (true, true) => no("not yet"),
            (true, false) => std::future::pending().await,
            (false, _) => Ok(()),
        }
    }

    fn backoff(&self, _: u32) -> u32 {
        0
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Later {
    pub book: PathBuf,
    pub at: fang::DateTime<fang::Utc>,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Later {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.book, "later");
        Ok(())
    }

    fn cron(&self) -> Option<Scheduled> {
        Some(Scheduled::ScheduleOnce(self.at))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Often {
    pub book: PathBuf,
    /// Not a part of what it is: an equal task with another pattern changes the schedule.
    #[serde(skip)]
    pub pattern: String,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Often {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.book, "often");
        Ok(())
    }

    fn cron(&self) -> Option<Scheduled> {
        (!self.pattern.is_empty()).then(|| Scheduled::CronPattern(self.pattern.clone()))
    }
}

/// With a pattern that is known wherever it is decoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Yearly {
    pub book: PathBuf,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Yearly {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.book, "yearly");
        Ok(())
    }

    fn cron(&self) -> Option<Scheduled> {
        Some(Scheduled::CronPattern("0 0 0 1 1 * *".to_owned()))
    }
}

/// Writes itself down, as far as it can be told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    pub book: PathBuf,
    pub large: u64,
    pub small: i64,
    pub whole: f64,
    pub part: f64,
    pub text: String,
    pub nothing: Option<u8>,
    pub pairs: std::collections::BTreeMap<String, Vec<(u8, String)>>,
}

#[async_trait]
#[typetag::serde]
impl AsyncRunnable for Exact {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.book, &format!("{self:?}"));
        Ok(())
    }
}
