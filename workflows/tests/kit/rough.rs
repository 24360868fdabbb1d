//! Documents as nobody should write them: the same value with odd white space, quotes, comments and styles.

#![allow(dead_code, reason = "each file of tests uses a part of it")]
#![expect(clippy::format_push_string, reason = "shorter, and nobody waits for it")]

use proptest::prelude::*;
use serde_json::{Map, Value};

/// Decisions, drawn in a circle.
pub struct Noise<'a> {
    bytes: &'a [u8],
    at: usize,
    remarks: usize,
}

impl<'a> Noise<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, remarks: 0 }
    }

    fn draw(&mut self, below: u8) -> u8 {
        self.at += 1;
        self.bytes[self.at % self.bytes.len()].wrapping_add(u8::try_from(self.at / self.bytes.len()).unwrap_or(7))
            % below
    }

    fn remark(&mut self) -> String {
        self.remarks += 1;
        format!("remark{}", self.remarks)
    }
}

pub fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z]{1,8}",
        "[ -~אב\u{1f600}]{0,14}",
        "[ -~]{60,120}",
        "( ?[a-z:#-]{0,4}\n){1,4} {0,2}[a-z]{0,3}\n{0,2}",
        "0[0-9]{3}|yes|null|1e5|~|true|<<|5s|-|[?]|---",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z _:#\"-]{1,8}", inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

pub fn rough_json(value: &Value, noise: &mut Noise<'_>) -> String {
    let gap = json_gap(noise);
    let mut text = gap;
    match value {
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                text.push_str(&rough_json(item, noise));
            }
            text.push_str(if !items.is_empty() && noise.draw(3) == 0 { "," } else { "" });
            text.push_str(&json_gap(noise));
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (place, (key, value)) in fields.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                text.push_str(&rough_json(&Value::from(key.as_str()), noise));
                text.push(':');
                text.push_str(&rough_json(value, noise));
            }
            text.push_str(if !fields.is_empty() && noise.draw(3) == 0 { "," } else { "" });
            text.push_str(&json_gap(noise));
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
    text.push_str(&json_gap(noise));
    text
}

fn json_gap(noise: &mut Noise<'_>) -> String {
    match noise.draw(14) {
        0 => "\n".to_owned(),
        1 => "\n\n\n  ".to_owned(),
        2 => format!(" // {}\n", noise.remark()),
        3 => format!(" \n \t// {} \n\n", noise.remark()),
        4 => format!("/* {} */", noise.remark()),
        5 => format!(" /* {}\n    {} */ ", noise.remark(), noise.remark()),
        6 => "  ".to_owned(),
        _ => String::new(),
    }
}

pub fn rough_yaml(value: &Value, noise: &mut Noise<'_>) -> String {
    let mut text = String::new();
    if noise.draw(6) == 0 {
        text.push_str(&format!("--- # {}\n", noise.remark()));
    }
    block(value, 0, noise, &mut text);
    text.push_str(&yaml_end(noise, 0));
    text.push('\n');
    text
}

/// What follows a key or a dash.
fn block(value: &Value, indent: usize, noise: &mut Noise<'_>, out: &mut String) {
    if noise.draw(12) == 0 {
        out.push_str(&format!(" &a{}", noise.draw(9)));
    }
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() && noise.draw(4) > 0 => {
            let step = usize::from(noise.draw(4)) + 1;
            for (key, value) in fields {
                out.push_str(&yaml_end(noise, indent));
                out.push_str(&format!("\n{margin}{}:", quoted(key, noise)));
                block(value, indent + step, noise, out);
            }
        }
        Value::Array(items) if !items.is_empty() && noise.draw(4) > 0 => {
            let step = usize::from(noise.draw(4)) + 1;
            for item in items {
                out.push_str(&yaml_end(noise, indent));
                out.push_str(&format!("\n{margin}-"));
                block(item, indent + step, noise, out);
            }
        }
        Value::String(text) if text.contains('\n') && !text.starts_with(['\n', ' ']) => {
            let chomping = match text {
                _ if text.ends_with("\n\n") => "+",
                _ if text.ends_with('\n') => "",
                _ => "-",
            };
            let lines = text.strip_suffix('\n').unwrap_or(text).replace('\n', &format!("\n {margin} "));
            out.push_str(&format!(" |{chomping} # {}\n {margin} {lines}", noise.remark()));
        }
        other => {
            out.push(' ');
            flow(other, indent, noise, out);
        }
    }
}

fn flow(value: &Value, indent: usize, noise: &mut Noise<'_>, out: &mut String) {
    let gap = |noise: &mut Noise<'_>| match noise.draw(7) {
        0 => format!("\n{} ", " ".repeat(indent)),
        1 => format!(" # {}\n{} ", noise.remark(), " ".repeat(indent)),
        2 => "  ".to_owned(),
        _ => " ".to_owned(),
    };
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                out.push_str(&gap(noise));
                flow(item, indent, noise, out);
                out.push_str(&gap(noise));
                out.push(',');
            }
            out.push_str(&gap(noise));
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (key, value) in fields {
                out.push_str(&gap(noise));
                out.push_str(&format!("{}: ", quoted(key, noise)));
                flow(value, indent, noise, out);
                out.push_str(&gap(noise));
                out.push(',');
            }
            out.push('}');
        }
        Value::String(text) => out.push_str(&quoted(text, noise)),
        other => out.push_str(&other.to_string()),
    }
}

fn quoted(text: &str, noise: &mut Noise<'_>) -> String {
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if is_word && !matches!(text, "true" | "false" | "null") && noise.draw(2) == 0 {
        return text.to_owned();
    }
    if text.chars().all(|letter| !letter.is_control()) && noise.draw(2) == 0 {
        return format!("'{}'", text.replace('\'', "''"));
    }
    Value::from(text).to_string()
}

fn yaml_end(noise: &mut Noise<'_>, indent: usize) -> String {
    let margin = " ".repeat(indent);
    match noise.draw(9) {
        0 => "\n\n".to_owned(),
        1 => format!("\n{margin}# {}", noise.remark()),
        2 => format!("\n\n{margin}   # {}\n\n", noise.remark()),
        3 => format!("\n# {}", noise.remark()),
        4 => "  ".to_owned(),
        _ => String::new(),
    }
}
