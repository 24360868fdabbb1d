//! How far a text can be read: what decides whether a change of it was one for the better.

use std::cmp::Reverse;

use super::parse_tree;
use crate::Source;

/// The greater, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// The parser gave up, with so many bytes behind the mistake.
    Stopped(Reverse<usize>),
    /// Read to the end, with so many values that cannot be kept.
    Refused(Reverse<usize>),
    Whole,
}

impl Reading {
    pub fn of(source: &Source) -> Self {
        let Err(findings) = parse_tree(source) else { return Self::Whole };
        let stop =
            findings.iter().filter(|finding| STOPS.contains(&finding.code())).map(|stop| stop.span().start).min();
        match stop {
            Some(at) => Self::Stopped(Reverse(source.text.len() - at.min(source.text.len()))),
            None => Self::Refused(Reverse(findings.len())),
        }
    }
}

/// Codes after which nothing more is read.
const STOPS: [&str; 3] = ["E001", "E002", "E004"];
