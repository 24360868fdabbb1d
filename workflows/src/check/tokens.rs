//! Values that look like credentials: a document is no place for them.
//!
//! What was found is never repeated in a message, because messages end up in logs.

use std::ops::Range;

use super::scan::{Piece, pieces};
use super::{Facts, Finding, Report};
use crate::source::Span;
use crate::tree::{Kind, Node, Places};

/// How credentials of known services begin, and how many letters follow at least.
const PREFIXES: [(&str, usize); 29] = [
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("rk_test_", 10),
    ("whsec_", 16),
    ("sk-ant-", 16),
    ("sk-proj-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("npm_", 30),
    ("pypi-", 30),
    ("dop_v1_", 30),
    ("shpat_", 16),
    ("pat-na1-", 16),
    ("pat-eu1-", 16),
    ("AIza", 35),
    ("EAA", 60),
    ("AKIA", 16),
];
/// The last words of field names that hold credentials.
const NAMES: [&str; 10] = [
    "token",
    "password",
    "passwd",
    "secret",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "authorization",
    "credentials",
];
/// Shorter values are rather words.
const VALUE_MIN: usize = 12;
const BEARER_MIN: usize = 20;
/// A word without any digit that is longer than this is none of a language.
const WORD_MAX: usize = 20;

/// Warns of each value in `config` that looks like a credential.
pub(super) fn check(config: &Node, facts: &Facts<'_>, report: &mut Report) {
    inside(None, config, facts, report);
}

fn inside(name: Option<&str>, node: &Node, facts: &Facts<'_>, report: &mut Report) {
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| inside(name, item, facts, report)),
        Kind::Map(entries) => entries.iter().for_each(|entry| inside(Some(&entry.key), &entry.value, facts, report)),
        Kind::Text(text) => {
            let Some(range) = find(name, &text.value) else { return };
            let places = Places::of(node, &facts.source.text);
            let span = Span::new(places.offset(range.start), places.offset(range.end));
            let what = name.map_or("this value".to_owned(), |name| format!("`{name}`"));
            report.add(
                Finding::warning("W203", span, format!("{what} looks like a token"))
                    .label("move it into a secret")
                    .help(
                        "declare it with \"secrets\": [\"NAME\"] and write {{ secrets.NAME }} here; `onward secrets set \
                         NAME` stores the value",
                    ),
            );
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

/// The bytes of a value that look like a credential.
fn find(name: Option<&str>, value: &str) -> Option<Range<usize>> {
    let pieces = pieces(value);
    let known = pieces.iter().find_map(|piece| match piece {
        Piece::Text(range) => {
            well_known(&value[range.clone()]).map(|found| range.start + found.start..range.start + found.end)
        }
        Piece::Hole(_) | Piece::Open(_) => None,
    });
    let has_holes = pieces.iter().any(|piece| !matches!(piece, Piece::Text(_)));
    known.or_else(|| (!has_holes && name.is_some_and(names_credential)).then(|| bare(value))?)
}

fn well_known(text: &str) -> Option<Range<usize>> {
    let prefixed = PREFIXES.iter().find_map(|(prefix, min)| {
        starts(text, prefix).find_map(|start| {
            let len = prefix.len() + run(&text[start + prefix.len()..]);
            let body = &text[start + prefix.len()..start + len];
            (body.len() >= *min && body.bytes().any(|byte| byte.is_ascii_digit())).then_some(start..start + len)
        })
    });
    prefixed.or_else(|| dotted(text)).or_else(|| bearer(text)).or_else(|| {
        let start = text.find("-----BEGIN ")?;
        let line = text[start..].lines().next()?;
        line.contains("PRIVATE KEY").then(|| start..start + line.len())
    })
}

/// Airtable's `pat….…` and JSON Web Tokens.
fn dotted(text: &str) -> Option<Range<usize>> {
    let token = |prefix: &'static str, first: fn(usize) -> bool| {
        starts(text, prefix).find_map(move |start| {
            let head = start + prefix.len() + run(&text[start + prefix.len()..]);
            // Before the rest is looked at: a text can be full of beginnings.
            let rest = text[head..].strip_prefix('.').filter(|_| first(head - start - prefix.len()))?;
            let tail = rest.find(|letter: char| !is_base64(letter) && letter != '.').unwrap_or(rest.len());
            let tail = rest[..tail].trim_end_matches('.').len();
            (tail >= 10).then_some(start..head + 1 + tail)
        })
    };
    token("pat", |len| len == 14).or_else(|| token("eyJ", |len| len >= 10))
}

fn bearer(text: &str) -> Option<Range<usize>> {
    starts(text, "Bearer ").find_map(|start| {
        let body = &text[start + 7..];
        let len = body.find(|letter: char| !is_base64(letter) && letter != '.').unwrap_or(body.len());
        (len >= BEARER_MIN).then_some(start + 7..start + 7 + len)
    })
}

/// A value that is nothing but a credential, in a field whose name says so.
fn bare(value: &str) -> Option<Range<usize>> {
    let scheme = ["Bearer ", "Basic ", "Token "].iter().find(|scheme| value.starts_with(**scheme));
    let start = scheme.map_or(0, |scheme| scheme.len());
    let body = &value[start..];
    let is_one = body.len() >= VALUE_MIN && body.bytes().all(|byte| byte.is_ascii_graphic()) && !body.contains("://");
    (is_one && !is_word(body)).then_some(start..value.len())
}

/// `confidential`, `forgot-password`, `SLACK_BOT_TOKEN`.
fn is_word(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    let is_prose = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_' | b'.');
    let rest = text.as_bytes().get(1..).unwrap_or_default();
    text.bytes().all(is_name)
        || (rest.iter().copied().all(is_prose)
            && text.split(['-', '_', '.']).all(|word| word.len() <= WORD_MAX)
            && text.as_bytes()[0].is_ascii_alphabetic())
}

/// `accessToken`, `X-Api-Key` and `client_secret` end in what they are.
fn names_credential(name: &str) -> bool {
    let mut words = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        let after_lower = name[..at].ends_with(|before: char| before.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && after_lower {
            words.push('_');
        }
        words.push(if letter == '-' { '_' } else { letter.to_ascii_lowercase() });
    }
    NAMES.iter().any(|known| words.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('_')))
        // What a server hands out so that a list can be read on.
        && !["page_token", "next_token", "sync_token"].iter().any(|known| words.ends_with(known))
}

/// Where `prefix` begins a word.
fn starts<'t>(text: &'t str, prefix: &'static str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(prefix).map(|(start, _)| start).filter(|start| {
        !text[..*start].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | '-'))
    })
}

/// The length of the letters that credentials are made of.
fn run(text: &str) -> usize {
    text.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-')).unwrap_or(text.len())
}

fn is_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '+' | '/' | '=' | '~')
}
