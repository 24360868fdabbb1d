//! `expect_status`: which answers are what the author hoped for.

use serde_json::Value;

/// Inclusive ranges of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected(Vec<(u16, u16)>);

impl Default for Expected {
    fn default() -> Self {
        Self(vec![(200, 299)])
    }
}

impl Expected {
    /// A number, `"404"`, `"2xx"`, or a list of these. `None` if it is anything else.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::default()),
            Value::Array(list) if list.is_empty() => None,
            Value::Array(list) => list.iter().map(parse_one).collect::<Option<_>>().map(Self),
            one => parse_one(one).map(|range| Self(vec![range])),
        }
    }

    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

fn parse_one(value: &Value) -> Option<(u16, u16)> {
    let status = match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => match text.to_ascii_lowercase().strip_suffix("xx") {
            Some(class) => {
                let class = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class))?;
                return Some((class * 100, class * 100 + 99));
            }
            None => text.parse().ok()?,
        },
        _ => return None,
    };
    (100..=599).contains(&status).then_some((status, status))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_classes_and_lists_are_read() {
        let check = |value: Value, inside: &[u16], outside: &[u16]| {
            let expected = Expected::parse(&value).unwrap();
            assert!(inside.iter().all(|status| expected.contains(*status)), "{value}");
            assert!(!outside.iter().any(|status| expected.contains(*status)), "{value}");
        };
        check(json!(null), &[200, 204, 299], &[199, 300, 404]);
        check(json!(404), &[404], &[200, 403, 405]);
        check(json!("201"), &[201], &[200]);
        check(json!("4XX"), &[400, 499], &[399, 500]);
        check(json!(["2xx", 304, "404"]), &[200, 304, 404], &[300, 403]);
    }

    #[test]
    fn anything_else_is_refused() {
        for value in [json!([]), json!("ok"), json!("6xx"), json!("xx"), json!(99), json!(600), json!(-1), json!(2.5)] {
            assert_eq!(Expected::parse(&value), None, "{value}");
        }
        assert_eq!(Expected::parse(&json!({ "min": 200 })), None);
        assert_eq!(Expected::parse(&json!([200, true])), None);
    }
}
