//! Values whose fields keep their order, because people read what becomes of them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::parse_duration;
use crate::tree::{Kind, Node};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ordered {
    Scalar(Value),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Default for Ordered {
    fn default() -> Self {
        Self::Map(Vec::new())
    }
}

impl From<&Node> for Ordered {
    fn from(node: &Node) -> Self {
        match &node.kind {
            Kind::List(items) => Self::List(items.iter().map(Self::from).collect()),
            Kind::Map(entries) => {
                Self::Map(entries.iter().map(|entry| (entry.key.clone(), Self::from(&entry.value))).collect())
            }
            _ => Self::Scalar(node.to_value()),
        }
    }
}

impl From<u64> for Ordered {
    fn from(number: u64) -> Self {
        Self::Scalar(number.into())
    }
}

impl From<String> for Ordered {
    fn from(text: String) -> Self {
        Self::Scalar(text.into())
    }
}

impl From<&str> for Ordered {
    fn from(text: &str) -> Self {
        Self::Scalar(text.into())
    }
}

impl Ordered {
    pub fn entries(&self) -> impl Iterator<Item = &(String, Self)> {
        let entries = if let Self::Map(entries) = self { entries.as_slice() } else { &[] };
        entries.iter()
    }

    pub fn keys(&self) -> Vec<String> {
        self.entries().map(|(key, _)| key.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Map(entries) if entries.is_empty())
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Self::Scalar(Value::String(text)) = self { Some(text) } else { None }
    }

    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Scalar(Value::Number(number)) = self { number.as_u64() } else { None }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    pub fn take(&mut self, key: &str) -> Option<Self> {
        let Self::Map(entries) = self else { return None };
        let place = entries.iter().position(|(known, _)| known == key)?;
        Some(entries.remove(place).1)
    }

    pub fn take_list(&mut self, key: &str) -> Vec<Self> {
        if let Some(Self::List(items)) = self.take(key) { items } else { Vec::new() }
    }

    /// At the end, or in the place of what was there.
    pub fn put(&mut self, key: &str, value: Self) {
        let Self::Map(entries) = self else { return };
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key.to_owned(), value)),
        }
    }

    pub fn put_list(&mut self, key: &str, items: Vec<Self>) {
        if !items.is_empty() {
            self.put(key, Self::List(items));
        }
    }

    pub fn json(&self) -> String {
        self.line(&Value::to_string)
    }

    fn line(&self, show: &impl Fn(&Value) -> String) -> String {
        match self {
            Self::Scalar(value) => show(value),
            Self::List(items) => {
                format!("[{}]", items.iter().map(|item| item.line(show)).collect::<Vec<_>>().join(", "))
            }
            Self::Map(entries) => {
                let fields = entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), value.line(show)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Blocks with nearly all texts in quotes; laying the document out takes away what is not needed.
    pub fn yaml(&self) -> String {
        let mut text = String::new();
        self.write(0, &mut text);
        text.trim_start().to_owned() + "\n"
    }

    fn write(&self, indent: usize, text: &mut String) {
        let margin = " ".repeat(indent);
        match self {
            // What fits a line reads better on one; the top level never is.
            Self::Map(_) | Self::List(_) if indent > 2 && self.is_flat() => {
                write!(text, " {}", self.line(&plain)).expect("a string takes everything");
            }
            Self::Map(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    write!(text, "\n{margin}{}:", quoted(key)).expect("a string takes everything");
                    value.write(indent + 2, text);
                }
            }
            Self::List(items) if !items.is_empty() => {
                for item in items {
                    let mut inner = String::new();
                    item.write(indent + 2, &mut inner);
                    write!(text, "\n{margin}- {}", inner.trim_start()).expect("a string takes everything");
                }
            }
            other => write!(text, " {}", other.line(&plain)).expect("a string takes everything"),
        }
    }

    fn is_flat(&self) -> bool {
        const FLAT_MAX: usize = 80;
        let has_no_lists_of_maps = match self {
            Self::Map(entries) => entries.iter().all(|(_, value)| !matches!(value, Self::Map(_))),
            Self::List(items) => items.iter().all(|item| matches!(item, Self::Scalar(_))),
            Self::Scalar(_) => true,
        };
        has_no_lists_of_maps && self.json().chars().count() <= FLAT_MAX
    }
}

/// Durations and addresses, which nobody writes in quotes.
fn plain(value: &Value) -> String {
    let is_plain = |text: &&str| {
        let is_address = text.starts_with("https://") || text.starts_with("http://");
        let is_duration = parse_duration(text).is_ok();
        let is_mark = |byte: u8| matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~' | b':');
        (is_duration || is_address && !text.ends_with(':'))
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
    };
    value.as_str().filter(is_plain).map_or_else(|| value.to_string(), str::to_owned)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
