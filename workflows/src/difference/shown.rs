//! A value in a few words that may stand in a log.

use serde_json::Value;

const SHOWN_MAX: usize = 60;
const HIDDEN: &str = "(not shown)";
/// Parts of names whose values are nobody's business.
const SECRET_NAMES: [&str; 9] =
    ["token", "secret", "password", "passwd", "authorization", "api_key", "apikey", "credential", "private_key"];
/// How the keys of well-known services begin.
const SECRET_STARTS: [&str; 9] = ["sk_", "sk-", "pk_", "xox", "ghp_", "github_pat_", "AKIA", "eyJ", "-----BEGIN"];
/// A word of so many letters and digits without a space is no word.
const RANDOM_LENGTH: usize = 24;

/// `path` leads to the value, and its last part is the value's name.
pub(super) fn shown(path: &str, value: &Value) -> String {
    let name = path.rsplit('.').next().unwrap_or_default();
    let text = match masked(name, value) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    shortened(&text)
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "\"\"".to_owned();
    }
    if line.chars().count() <= SHOWN_MAX {
        return line;
    }
    line.chars().take(SHOWN_MAX - 1).chain(['…']).collect()
}

fn masked(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), masked(key, value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| masked(name, item)).collect()),
        Value::String(text) if is_secret(name, text) => HIDDEN.into(),
        Value::Number(_) if is_secret_name(name) => HIDDEN.into(),
        _ => value.clone(),
    }
}

fn is_secret(name: &str, text: &str) -> bool {
    // `{{ secrets.TOKEN }}` only names one. What stands around the holes is looked at all the same.
    let literal = without_holes(text);
    let words = || literal.split([' ', '"', '\'', ',', ';', '=', '&', '?']);
    (is_secret_name(name)
        && literal.chars().any(char::is_alphanumeric)
        && !matches!(literal.trim(), "Bearer" | "Basic"))
        || words().any(|word| SECRET_STARTS.iter().any(|start| word.starts_with(start)) && word.len() > 8)
        || words().any(looks_random)
        || has_password(&literal)
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

fn without_holes(text: &str) -> String {
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, hole)) = rest.split_once("{{") {
        literal.push_str(before);
        rest = hole.split_once("}}").map_or("", |(_, after)| after);
    }
    literal.push_str(rest);
    literal
}

fn looks_random(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|letter| test(&letter));
    word.len() >= RANDOM_LENGTH
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic)
        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '_' | '-'))
}

/// `https://name:password@host`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_a_line() {
        assert_eq!(shown("a.b", &json!("one\n  two")), "one two");
        assert_eq!(shown("a.b", &json!("")), "\"\"");
        assert_eq!(shown("a.b", &json!({ "x": [1, null] })), r#"{"x":[1,null]}"#);
        assert_eq!(shown("a.b", &json!("x".repeat(80))).chars().count(), SHOWN_MAX);
    }

    #[test]
    fn what_looks_secret_is_not_shown() {
        for (path, value) in [
            ("config.token", json!("abc")),
            ("headers.Authorization", json!("Bearer {{ inputs.a }} abc123")),
            ("headers.X-Api-Key", json!("17")),
            ("config.password", json!(1234)),
            ("config.url", json!("https://user:pass@example.test/a")),
            ("config.x", json!("sk_live_12345678")),
            ("config.x", json!("use 9f86d081884c7d659a2feaa0c55ad015 here")),
        ] {
            assert_eq!(shown(path, &value), HIDDEN, "{path} {value}");
        }
        let inside = shown("config.headers", &json!({ "authorization": "Basic abc", "accept": "a/b" }));
        assert_eq!(inside, r#"{"accept":"a/b","authorization":"(not shown)"}"#);
        for (path, text) in [
            ("config.token", "{{ secrets.OTHER }}"),
            ("headers.Authorization", "Bearer {{ secrets.A }}"),
            ("config.url", "https://shop.test/orders/{{ inputs.id }}"),
            ("config.timezone", "America/Argentina/Buenos_Aires"),
        ] {
            assert_eq!(shown(path, &json!(text)), text);
        }
    }
}
