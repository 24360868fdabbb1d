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
    /// A name that the route does not know is refused: a misspelt filter must not show everything, a misplaced
    /// `dry_run` must not deploy.
    pub fn parse(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let query = Self::parse_repeatable(uri, known)?;
        for (place, (name, _)) in query.0.iter().enumerate() {
            if query.0[..place].iter().any(|(earlier, _)| earlier == name) {
                let detail = format!("the query parameter `{name}` is there twice; which one counts is not clear");
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
        }
        Ok(query)
    }

    /// For routes that take no parameter at all.
    pub fn refuse(uri: &Uri) -> Result<(), Problem> {
        Self::parse(uri, &[]).map(drop)
    }

    /// Like [`Query::parse`], but a name may come more than once.
    pub fn parse_repeatable(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            if !known.contains(&name.as_str()) {
                let offer = match known {
                    [] => "none is offered here".to_owned(),
                    names => format!("there are {}", names.join(", ")),
                };
                return Err(Problem::new(Code::InvalidRequest, format!("unknown query parameter `{name}`; {offer}")));
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
        Ok(self.count("limit")?.unwrap_or(LIMIT_DEFAULT))
    }

    /// How many rows an answer may have.
    pub fn count(&self, name: &str) -> Result<Option<u16>, Problem> {
        match self.parsed::<u16>(name)? {
            Some(count) if !(1..=LIMIT_MAX).contains(&count) => {
                Err(invalid(name, &count.to_string(), &format!("an answer has 1 to {LIMIT_MAX} rows")))
            }
            count => Ok(count),
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
