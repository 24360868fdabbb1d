//! How many at once, how many per time, and where.

use std::time::Duration;

use crate::Template;

#[derive(Debug)]
pub struct Concurrency {
    pub limit: u32,
    /// Of a step: shared by every step that names it. Of a run: private to the workflow.
    pub key: Option<Template>,
    /// Of runs only.
    pub overflow: Overflow,
}

/// What happens to a run that is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    #[default]
    Queue,
    /// It is not started.
    Skip,
    /// The running one is canceled.
    Replace,
    /// Only the newest waits.
    Latest,
}

#[derive(Debug)]
pub struct RateLimit {
    pub limit: u32,
    pub per: Duration,
    pub key: Option<Template>,
}

/// In claiming order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    Critical,
    High,
    #[default]
    Normal,
    Low,
}

impl Priority {
    pub const WORDS: [&'static str; 4] = ["critical", "high", "normal", "low"];

    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "critical" => Self::Critical,
            "high" => Self::High,
            "normal" => Self::Normal,
            "low" => Self::Low,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}
