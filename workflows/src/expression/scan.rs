//! The tokens of an expression: what it refuses before MiniJinja sees it, and which names it reads.
//!
//! MiniJinja tells undeclared names without their place and without subscripts, so the tokens are read here as well.

use std::ops::Range;

use super::ExpressionError;

/// Chains of operators become nested trees, which are walked recursively: this bounds the stack that they take.
const TOKENS_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    Text,
    /// Punctuation; `**`, `//`, `==`, `!=`, `<=` and `>=` are one token each.
    Sign,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'s> {
    pub kind: Kind,
    pub text: &'s str,
    pub start: usize,
}

impl Token<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, Kind::Name | Kind::Sign)
    }
}

fn refuse<T>(message: impl Into<String>, range: Range<usize>) -> Result<T, ExpressionError> {
    Err(ExpressionError { message: message.into(), range })
}

/// Splits `source`; spellings of other languages are refused with the one to write.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let bytes = source.as_bytes();
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (kind, end) = match byte {
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'"' | b'\'' => (Kind::Text, end_of_text(source, at)?),
            b if b.is_ascii_digit() => (Kind::Number, end_of_number(bytes, at, tokens.last())),
            b if b == b'_' || b.is_ascii_alphabetic() => {
                let rest = bytes[at..].iter().take_while(|b| **b == b'_' || b.is_ascii_alphanumeric());
                (Kind::Name, at + rest.count())
            }
            _ => (Kind::Sign, end_of_sign(source, at)?),
        };
        if tokens.len() == TOKENS_MAX {
            return refuse(format!("an expression has at most {TOKENS_MAX} words and signs"), at..end);
        }
        tokens.push(Token { kind, text: &source[at..end], start: at });
        at = end;
    }
    Ok(tokens)
}

/// Refuses `a = b`; between parentheses `=` names an argument.
pub(super) fn refuse_assignment(tokens: &[Token<'_>]) -> Result<(), ExpressionError> {
    let mut depth = 0_usize;
    for token in tokens.iter().filter(|token| token.kind == Kind::Sign) {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "=" if depth == 0 => return refuse("write `==` instead of `=` to compare", token.start..token.end()),
            _ => {}
        }
    }
    Ok(())
}

fn end_of_text(source: &str, start: usize) -> Result<usize, ExpressionError> {
    let bytes = source.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b if b == bytes[start] => return Ok(at + 1),
            _ => at += 1,
        }
    }
    refuse("this text has no closing quote", start..source.len())
}

fn end_of_number(bytes: &[u8], start: usize, before: Option<&Token<'_>>) -> usize {
    let word =
        |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let mut end = word(start);
    // `rows.0.id` has two indices, not the number 0.
    let after_dot = before.is_some_and(|token| token.is(".") && token.end() == start);
    if !after_dot && bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = word(end + 1);
    }
    let decimal = !matches!(bytes.get(start + 1), Some(b'x' | b'X'));
    if decimal
        && matches!(bytes[end - 1], b'e' | b'E')
        && matches!(bytes.get(end), Some(b'+' | b'-'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
    {
        end = word(end + 1);
    }
    end
}

fn end_of_sign(source: &str, at: usize) -> Result<usize, ExpressionError> {
    let rest = &source[at..];
    for (foreign, advice) in [
        ("{%", "blocks (`{% %}`) have no place in a value; only expressions do"),
        ("{#", "comments (`{# #}`) have no place in an expression"),
        ("{{", "the braces are already around the expression; write it without a second pair"),
        ("}}", "`}}` ends an expression, and this one goes on or is over already"),
        ("&&", "write `and` instead of `&&`"),
        ("||", "write `or` instead of `||`"),
        ("===", "write `==` instead of `===`"),
        ("!==", "write `!=` instead of `!==`"),
        ("=>", "there are no functions to define in an expression"),
        ("?", "write `a if condition else b` instead of `condition ? a : b`"),
    ] {
        // A map in a map ends in `}}` as well; whether it does here is known to the parser alone.
        if rest.starts_with(foreign) && !(foreign == "}}" && source[..at].contains('{')) {
            return refuse(advice, at..at + foreign.len());
        }
    }
    if rest.starts_with('!') && !rest.starts_with("!=") {
        return refuse("write `not` instead of `!`", at..at + 1);
    }
    if ["**", "//", "==", "!=", "<=", ">="].iter().any(|sign| rest.starts_with(sign)) {
        return Ok(at + 2);
    }
    let first = rest.chars().next().expect("the caller stands on a character");
    if ".,:()[]{}|~+-*/%<>=".contains(first) {
        return Ok(at + 1);
    }
    let end = at + first.len_utf8();
    if first.is_alphanumeric() {
        return refuse("names are made of a-z, A-Z, 0-9 and `_`; write other keys as `['…']`", at..end);
    }
    refuse(format!("`{first}` means nothing in an expression"), at..end)
}

/// What a name stands for at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    NotAName,
    Keyword,
    /// After a dot.
    Attribute,
    Filter,
    Test,
    Function,
    /// `name=` in a call.
    Argument,
    Variable,
}

pub(super) fn roles(tokens: &[Token<'_>]) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::with_capacity(tokens.len());
    let is = |index: usize, text: &str| tokens.get(index).is_some_and(|token| token.is(text));
    for (index, token) in tokens.iter().enumerate() {
        let keyword_before =
            |back: usize, text: &str| index >= back && is(index - back, text) && roles[index - back] == Role::Keyword;
        let role = if token.kind != Kind::Name {
            Role::NotAName
        } else if index > 0 && is(index - 1, ".") {
            Role::Attribute
        } else if index > 0 && is(index - 1, "|") {
            Role::Filter
        } else if (keyword_before(1, "is") && token.text != "not")
            || (keyword_before(1, "not") && keyword_before(2, "is"))
        {
            Role::Test
        } else if is_keyword(token.text) {
            Role::Keyword
        } else if is(index + 1, "=") && index > 0 && (is(index - 1, "(") || is(index - 1, ",")) {
            Role::Argument
        } else if is(index + 1, "(") {
            Role::Function
        } else {
            Role::Variable
        };
        roles.push(role);
    }
    roles
}

fn is_keyword(text: &str) -> bool {
    matches!(
        text,
        "and"
            | "or"
            | "not"
            | "in"
            | "is"
            | "if"
            | "else"
            | "true"
            | "false"
            | "none"
            | "True"
            | "False"
            | "None"
            | "null"
    )
}

/// A name that is read, with the constant segments that follow it.
#[derive(Debug)]
pub(super) struct Reference {
    pub segments: Vec<String>,
    pub range: Range<usize>,
    /// `default(…)` or `is defined` follows, so the last segment may be missing.
    pub forgiven: bool,
}

pub(super) fn references(tokens: &[Token<'_>], roles: &[Role]) -> Vec<Reference> {
    let mut references = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if roles[index] != Role::Variable {
            continue;
        }
        let mut segments = vec![token.text.to_owned()];
        let mut last = index;
        while let Some((segment, length)) = segment(&tokens[last + 1..]) {
            segments.push(segment);
            last += length;
        }
        let range = token.start..tokens[last].end();
        references.push(Reference { segments, range, forgiven: is_forgiven(&tokens[last + 1..]) });
    }
    references
}

fn is_forgiven(rest: &[Token<'_>]) -> bool {
    match rest {
        [pipe, filter, ..] if pipe.is("|") => filter.is("default") || filter.is("d"),
        [is, not, test, ..] if is.is("is") && not.is("not") => test.is("defined") || test.is("undefined"),
        [is, test, ..] if is.is("is") => test.is("defined") || test.is("undefined"),
        _ => false,
    }
}

/// `.name`, `.0`, `['name']` or `[0]` at the beginning of `rest`, and how many tokens it takes.
fn segment(rest: &[Token<'_>]) -> Option<(String, usize)> {
    match rest {
        [dot, name, ..] if dot.is(".") && matches!(name.kind, Kind::Name | Kind::Number) => {
            Some((name.text.to_owned(), 2))
        }
        [open, key, close, ..] if open.is("[") && close.is("]") => match key.kind {
            Kind::Text => Some((unquoted(key.text), 3)),
            Kind::Number => Some((key.text.to_owned(), 3)),
            Kind::Name | Kind::Sign => None,
        },
        _ => None,
    }
}

fn unquoted(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let mut escaped = false;
    for character in text[1..text.len() - 1].chars() {
        match (escaped, character) {
            (false, '\\') => escaped = true,
            (true, 'n') => {
                key.push('\n');
                escaped = false;
            }
            (true, 't') => {
                key.push('\t');
                escaped = false;
            }
            (_, other) => {
                key.push(other);
                escaped = false;
            }
        }
    }
    key
}
