//! What steps come to in a test: written outcomes, and the choice of one for each attempt.

mod written;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::code;
use super::matching::times;
use super::path::{canonical, rank};
use super::read::Named;
use crate::check::Finding;
use crate::source::Span;
use crate::{Scope, StepError, Template};
pub(super) use written::read;

/// One entry of `outcomes`.
#[derive(Debug)]
pub(super) struct Mock {
    pub key: Named,
    replies: Vec<Reply>,
    /// Written as a list: one for each attempt. Otherwise the only one is for all of them.
    listed: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub span: Span,
    pub took: Duration,
    pub kind: ReplyKind,
}

#[derive(Debug, Clone)]
pub(super) enum ReplyKind {
    /// May read `config`, `attempt` and `path`.
    Output(Value),
    Error(Box<StepError>),
    Ambiguous {
        message: String,
        settle: Option<Settle>,
    },
    Timeout,
}

#[derive(Debug, Clone)]
pub(super) struct Settle {
    pub after: Duration,
    pub how: Settled,
}

#[derive(Debug, Clone)]
pub(super) enum Settled {
    Complete(Value),
    Retry,
    Skip,
}

/// Outcomes of a case, then those of the file.
#[derive(Debug)]
pub(super) struct Mocks<'t> {
    own: &'t [Mock],
    shared: &'t [Mock],
    /// How often each path has been asked.
    asked: HashMap<String, usize>,
    /// The most attempts that each mock was used for.
    pub used: Used,
}

/// By the place of the mock: how many of its replies were wanted.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub own: HashMap<usize, usize>,
    pub shared: HashMap<usize, usize>,
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum NoReply<'t> {
    None,
    /// The list of this mock has fewer.
    RanOut(&'t Mock, usize),
}

impl<'t> Mocks<'t> {
    pub fn new(own: &'t [Mock], shared: &'t [Mock]) -> Self {
        Self { own, shared, asked: HashMap::new(), used: Used::default() }
    }

    /// For the next attempt of this path.
    pub fn reply(&mut self, path: &str) -> Result<&'t Reply, NoReply<'t>> {
        let asked = self.asked.entry(canonical(path)).or_default();
        let nth = *asked;
        *asked += 1;
        let (mocks, used, place) = match best(self.own, path) {
            Some(place) => (self.own, &mut self.used.own, place),
            None => (self.shared, &mut self.used.shared, best(self.shared, path).ok_or(NoReply::None)?),
        };
        let mock = &mocks[place];
        let most = used.entry(place).or_default();
        *most = (*most).max(nth + 1);
        let reply = if mock.listed { mock.replies.get(nth) } else { mock.replies.first() };
        reply.ok_or(NoReply::RanOut(mock, nth + 1))
    }
}

fn best(mocks: &[Mock], path: &str) -> Option<usize> {
    let ranked = mocks.iter().enumerate().map(|(place, mock)| (rank(&mock.key.text, path), place));
    ranked.filter(|(rank, _)| *rank > 0).max_by_key(|(rank, _)| *rank).map(|(_, place)| place)
}

/// What a list that was not used up, or a name that nobody asked for, is reported as.
pub(super) fn unused(mocks: &[Mock], used: &HashMap<usize, usize>) -> Vec<Finding> {
    let report = |(place, mock): (usize, &Mock)| match used.get(&place) {
        None => Some(
            Finding::error(code::UNUSED, mock.key.span, format!("no attempt of `{}` was made", mock.key.text))
                .label("this outcome was not used")
                .help("take it out, or find out why the step did not begin: `steps` in `expect` shows it"),
        ),
        Some(used) if mock.listed && *used < mock.replies.len() => Some(
            Finding::error(
                code::UNUSED,
                mock.replies[*used].span,
                format!(
                    "`{}` was tried {}, and {} outcomes are listed",
                    mock.key.text,
                    times(*used),
                    mock.replies.len()
                ),
            )
            .label("this one was not used"),
        ),
        Some(_) => None,
    };
    mocks.iter().enumerate().filter_map(report).collect()
}

impl Reply {
    /// The output of an attempt that was asked to do `config`.
    pub fn render(output: &Value, config: &Value, attempt: u32, path: &str) -> Result<Value, String> {
        let template = Template::parse(output).map_err(|error| error.message)?;
        let scope = Scope::new().with("config", config).with("attempt", &json!(attempt)).with("path", &json!(path));
        template.render(&scope).map_err(|error| format!("this output cannot be made: {}", error.message))
    }
}
