//! JSON with comments and trailing commas.

use jsonc_parser::ast::{self, ObjectPropName};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Number;

use super::{DEPTH_MAX, Entry, Kind, NODES_MAX, Node, Quoting, Text, check_duplicates, nul, too_deep, too_many};
use crate::check::Finding;
use crate::source::Span;

pub(super) fn parse(text: &str) -> Result<Node, Vec<Finding>> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed =
        parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| vec![syntax_error(text, &error)])?;
    let Some(value) = parsed.value else {
        return Err(vec![Finding::error("E001", Span::at(0), "the document is empty").label("expected `{`")]);
    };
    let mut builder = Builder { nodes: 0, findings: Vec::new() };
    let node = builder.build(&value, 0);
    match node {
        Some(node) if builder.findings.is_empty() => Ok(node),
        _ => Err(builder.findings),
    }
}

struct Builder {
    nodes: usize,
    findings: Vec<Finding>,
}

impl Builder {
    /// None when a limit stops the whole document.
    fn build(&mut self, value: &ast::Value<'_>, depth: usize) -> Option<Node> {
        let span = span(value.range());
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            self.findings.push(too_many(span));
            return None;
        }
        if depth > DEPTH_MAX {
            self.findings.push(too_deep(span));
            return None;
        }
        let kind = match value {
            ast::Value::NullKeyword(_) => Kind::Null,
            ast::Value::BooleanLit(literal) => Kind::Bool(literal.value),
            ast::Value::NumberLit(literal) => match number(literal.value) {
                Ok(number) => Kind::Number(number),
                Err(problem) => {
                    self.findings.push(
                        Finding::error("E005", span, format!("the number {} cannot be kept exactly", literal.value))
                            .label(problem)
                            .help("quote it if it is not meant for arithmetic"),
                    );
                    Kind::Null
                }
            },
            ast::Value::StringLit(literal) => {
                if literal.value.contains('\0') {
                    self.findings.push(nul(span));
                }
                Kind::Text(Text { value: literal.value.to_string(), quoting: Quoting::Json })
            }
            ast::Value::Array(array) => {
                let items: Option<Vec<Node>> = array.elements.iter().map(|item| self.build(item, depth + 1)).collect();
                Kind::List(items?)
            }
            ast::Value::Object(object) => {
                let entries: Option<Vec<Entry>> =
                    object.properties.iter().map(|property| self.entry(property, depth)).collect();
                let entries = entries?;
                check_duplicates(&entries, &mut self.findings);
                Kind::Map(entries)
            }
        };
        Some(Node { span, kind })
    }

    fn entry(&mut self, property: &ast::ObjectProp<'_>, depth: usize) -> Option<Entry> {
        let (key, range) = match &property.name {
            ObjectPropName::String(name) => (name.value.to_string(), name.range),
            ObjectPropName::Word(name) => (name.value.to_owned(), name.range),
        };
        if key.contains('\0') {
            self.findings.push(nul(span(range)));
        }
        Some(Entry { key, key_span: span(range), value: self.build(&property.value, depth + 1)? })
    }
}

fn span(range: jsonc_parser::common::Range) -> Span {
    Span::new(range.start, range.end)
}

/// Integers up to 64 bits, and floats that have a value.
pub(super) fn number(text: &str) -> Result<Number, &'static str> {
    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse::<Number>() {
        // `-0` is the one integer that is read as a float without losing anything.
        Ok(number) if is_integer && !number.is_i64() && !number.is_u64() && number.as_f64() != Some(0.0) => {
            Err("integers may have up to 64 bits: this one would lose digits")
        }
        Ok(number) => Ok(number),
        Err(_) => Err("it is out of the range of numbers"),
    }
}

fn syntax_error(text: &str, error: &ParseError) -> Finding {
    let range = span(error.range());
    let seen = next_token(text, range.start);
    match error.kind() {
        ParseErrorKind::ExpectedComma if seen.start == range.start && text[..range.start].ends_with('0') => {
            let digits = text[range.start..].bytes().take_while(u8::is_ascii_digit).count();
            Finding::error("E005", Span::new(range.start - 1, range.start + digits), "a number does not start with 0")
                .label("quote it: phone numbers and codes look like this, and they would lose the 0")
        }
        ParseErrorKind::ExpectedComma => {
            let close = if inside_list(text, range.start) { ']' } else { '}' };
            let what = if close == ']' { "the next item starts here" } else { "the next property starts here" };
            let caret = Span::new(range.start, text.len().min(next_char_end(text, range.start)));
            Finding::error("E001", caret, format!("expected `,` or `{close}` after this value"))
                .label("add `,` here")
                .related(Span::new(seen.start, next_char_end(text, seen.start)), what)
                .fix("Insert `,`", true, vec![(Span::at(range.start), ",".to_owned())])
        }
        ParseErrorKind::UnterminatedObject => {
            Finding::error("E001", first_char(text, range), "this `{` is never closed")
                .label("expected a `}` for it before the end of the document")
        }
        ParseErrorKind::UnterminatedArray => {
            Finding::error("E001", first_char(text, range), "this `[` is never closed")
                .label("expected a `]` for it before the end of the document")
        }
        ParseErrorKind::NestingDepthExceeded => too_deep(first_char(text, range)),
        ParseErrorKind::SingleQuotedStringsNotAllowed => {
            Finding::error("E001", range, "strings stand in double quotes").label("use `\"` instead of `'`")
        }
        ParseErrorKind::UnexpectedWord | ParseErrorKind::ExpectedStringObjectProperty => {
            Finding::error("E001", range, format!("expected a value, found `{}`", range.text(text)))
                .label("put it in double quotes")
        }
        ParseErrorKind::ExpectedColonAfterObjectKey => {
            Finding::error("E001", range, "expected `:` after a property's name").label("`:` belongs before this")
        }
        ParseErrorKind::ExpectedObjectValue => {
            Finding::error("E001", range, "expected a value after `:`").label("the value is missing here")
        }
        ParseErrorKind::UnexpectedComma => {
            Finding::error("E001", range, "this `,` separates nothing").label("remove it")
        }
        ParseErrorKind::MultipleRootJsonValues => {
            Finding::error("E001", range, "the document goes on after its end").label("a document is one object")
        }
        ParseErrorKind::UnexpectedToken if word_len(text, range.start) > 0 => {
            let word = Span::new(range.start, range.start + word_len(text, range.start));
            Finding::error("E001", word, format!("expected a value, found `{}`", word.text(text)))
                .label("put it in double quotes")
        }
        kind => {
            let message = kind.to_string();
            let mut letters = message.chars();
            let lower: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
            Finding::error("E001", range, lower).label("the document cannot be read from here on")
        }
    }
}

fn word_len(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    rest.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.')).unwrap_or(rest.len())
}

fn first_char(text: &str, span: Span) -> Span {
    Span::new(span.start, next_char_end(text, span.start))
}

fn next_char_end(text: &str, start: usize) -> usize {
    text[start..].chars().next().map_or(start, |letter| start + letter.len_utf8())
}

/// The next token's start, comments skipped.
fn next_token(text: &str, from: usize) -> Span {
    let mut at = from;
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("//") {
            at += trimmed.find('\n').unwrap_or(trimmed.len());
        } else if trimmed.starts_with("/*") {
            at += trimmed.find("*/").map_or(trimmed.len(), |end| end + 2);
        } else {
            return Span::at(at);
        }
    }
}

/// Whether the innermost bracket that is open before `end` is `[`; only strings need care.
fn inside_list(text: &str, end: usize) -> bool {
    let mut open = Vec::new();
    let mut bytes = text[..end].bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'{' | b'[' => open.push(byte),
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
    }
    open.last() == Some(&b'[')
}
