//! Query strings: known names only, repeatable filters, pages.

use axum::http::Uri;
use chrono::{DateTime, TimeDelta, Utc};

use crate::body::decode;
use crate::problem::{Code, Problem};

const LIMIT_DEFAULT: u16 = 50;
const LIMIT_MAX: u16 = 200;

/// The decoded pairs of a query, in their order.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// A name that the route does not know is refused: a misspelt filter must not show everything.
    pub fn parse(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            if !known.contains(&name.as_str()) {
                let detail = format!("unknown query parameter `{name}`; there are {}", known.join(", "));
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
            pairs.push((name, decode(value)?));
        }
        Ok(Self(pairs))
    }

    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |pair| pair.0 == name).map(|pair| pair.1.as_str())
    }

    /// The values of a filter, parsed.
    pub fn each<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Vec<T>, Problem> {
        self.all(name).map(|text| text.parse().map_err(|error| invalid(name, text, &error))).collect()
    }

    pub fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.one(name).map(|text| text.parse().map_err(|error| invalid(name, text, &error))).transpose()
    }

    pub fn limit(&self) -> Result<u16, Problem> {
        match self.parsed::<u16>("limit")? {
            None => Ok(LIMIT_DEFAULT),
            Some(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            Some(limit) => Err(invalid("limit", &limit.to_string(), &format!("a page has 1 to {LIMIT_MAX} rows"))),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.parsed(name)?.unwrap_or(false))
    }

    /// An instant, or how long ago it was: `2026-11-24T18:00:00Z`, `2h`.
    pub fn instant(&self, name: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Problem> {
        self.one(name)
            .map(|text| {
                if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
                    return Ok(instant.to_utc());
                }
                let ago = onward_workflows::parse_duration(text).ok().and_then(|ago| TimeDelta::from_std(ago).ok());
                ago.map(|ago| now - ago)
                    .ok_or_else(|| invalid(name, text, &"write a time (RFC 3339) or a duration such as 2h"))
            })
            .transpose()
    }
}

fn invalid(name: &str, text: &str, why: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::InvalidRequest, format!("`{name}={text}`: {why}"))
}
