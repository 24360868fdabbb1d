//! The one environment in which all expressions run, and the words that it knows.

use std::ops::Range;
use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};

use super::scan::{Role, Token};
use super::{ExpressionError, data, multiply, order, text, time};

/// Steps of work per evaluation; a byte produced or an item visited costs a fraction of one.
const FUEL: u64 = 50_000;

/// MiniJinja's filters that make sense without HTML, and ours.
const FILTERS: &[&str] = &[
    "abs",
    "add_time",
    "attr",
    "base64",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "format_date",
    "groupby",
    "hmac",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "matches",
    "max",
    "merge",
    "min",
    "parse_json",
    "phone_e164",
    "pick",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sha256",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "zip",
];

const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "matches",
    "ne",
    "none",
    "null",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];

const FUNCTIONS: &[&str] = &["dict", "now", "range", "uuid"];

pub(super) static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut language = Environment::new();
    language.set_undefined_behavior(UndefinedBehavior::Strict);
    language.set_fuel(Some(FUEL));
    // Only costs: byte ranges of errors are there without it.
    language.set_debug(false);
    language.set_recursion_limit(100);
    for name in ["debug", "namespace"] {
        language.remove_global(name);
    }
    for name in ["safe", "escape", "e", "pprint"] {
        language.remove_filter(name);
    }
    language.add_global("null", ());
    language.add_test("null", |value: &minijinja::Value| value.is_none());
    language.add_filter(multiply::FILTER, multiply::factor);
    language.add_filter(order::FILTER, order::ordered);
    text::add_to(&mut language);
    time::add_to(&mut language);
    data::add_to(&mut language);
    language
});

/// Refuses filters, tests and functions that do not exist, with the nearest that does.
pub(super) fn check_words(tokens: &[Token<'_>], roles: &[Role]) -> Result<(), ExpressionError> {
    for (token, role) in tokens.iter().zip(roles) {
        let (what, known) = match role {
            Role::Filter => ("filter", FILTERS),
            Role::Test => ("test", TESTS),
            Role::Function => ("function", FUNCTIONS),
            Role::NotAName | Role::Keyword | Role::Attribute | Role::Argument | Role::Variable => continue,
        };
        if !known.contains(&token.text) {
            return Err(unknown(what, token.text, known, token.start..token.end()));
        }
    }
    Ok(())
}

fn unknown(what: &str, word: &str, known: &[&str], range: Range<usize>) -> ExpressionError {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .filter(|(similarity, _)| *similarity >= 0.75);
    let message = match nearest {
        Some((_, candidate)) => format!("there is no {what} `{word}`; did you mean `{candidate}`?"),
        None => format!("there is no {what} `{word}`; there are {}", known.join(", ")),
    };
    ExpressionError { message, range }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_word_is_known_to_the_environment() {
        for (words, test) in [(FILTERS, "filter"), (TESTS, "test")] {
            for word in words {
                let source = format!("word is {test}");
                let expression = LANGUAGE.compile_expression(&source).unwrap();
                let known = expression.eval(minijinja::context! { word => *word }).unwrap();
                assert!(known.is_true(), "{word}");
            }
        }
        for word in FUNCTIONS {
            assert!(LANGUAGE.globals().any(|(name, _)| name == *word), "{word}");
        }
    }
}
