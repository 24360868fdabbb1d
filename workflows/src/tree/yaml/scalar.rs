//! What a YAML scalar is: the core schema, without its traps.

use serde_saphyr::granit_parser::ScalarStyle;

use crate::tree::json::number;
use crate::tree::{Kind, Quoting, Text};

/// The error is a message and a label.
pub(super) fn resolve(value: String, style: ScalarStyle, forced_text: bool) -> Result<Kind, (String, &'static str)> {
    let quoting = match style {
        ScalarStyle::Plain => Quoting::YamlPlain,
        ScalarStyle::SingleQuoted => Quoting::YamlSingle,
        ScalarStyle::DoubleQuoted => Quoting::YamlDouble,
        ScalarStyle::Literal | ScalarStyle::Folded => Quoting::YamlBlock,
    };
    if style != ScalarStyle::Plain || forced_text {
        return Ok(Kind::Text(Text { value, quoting }));
    }
    match value.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Kind::Null),
        "true" | "True" | "TRUE" => return Ok(Kind::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Kind::Bool(false)),
        _ => {}
    }
    if is_special_float(&value) {
        return Err((format!("`{value}` is not a number that JSON has"), "use a finite number, or quote it"));
    }
    if let Some((digits, radix)) = radix(&value) {
        return u64::from_str_radix(digits, radix).map(|number| Kind::Number(number.into())).map_err(|_| {
            (
                format!("the number {value} cannot be kept exactly"),
                "integers may have up to 64 bits: quote it otherwise",
            )
        });
    }
    if !looks_like_number(&value) {
        return Ok(Kind::Text(Text { value, quoting }));
    }
    let digits = value.trim_start_matches(['-', '+']);
    if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit() {
        return Err((
            format!("`{value}` starts with a zero"),
            "quote it: as a number it would lose the zero, and phone numbers and codes look like this",
        ));
    }
    if value.starts_with('+') {
        return Err((format!("`{value}` starts with a plus"), "quote it: as a number it would lose the plus"));
    }
    match number(&normalised(&value)) {
        Ok(number) => Ok(Kind::Number(number)),
        Err(problem) => Err((format!("the number {value} cannot be kept exactly"), problem)),
    }
}

fn is_special_float(value: &str) -> bool {
    let unsigned = value.trim_start_matches(['-', '+']);
    matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
}

/// The digits of a hexadecimal or octal integer, and their base.
fn radix(value: &str) -> Option<(&str, u32)> {
    let hexadecimal = value.strip_prefix("0x").map(|digits| (digits, 16));
    let (digits, radix) = hexadecimal.or_else(|| value.strip_prefix("0o").map(|digits| (digits, 8)))?;
    (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))).then_some((digits, radix))
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, the core schema's number.
fn looks_like_number(value: &str) -> bool {
    let rest = value.strip_prefix(['-', '+']).unwrap_or(value);
    let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = &rest[whole..];
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix('.') {
        fraction = after.bytes().take_while(u8::is_ascii_digit).count();
        rest = &after[fraction..];
    }
    if whole + fraction == 0 {
        return false;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        return !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    }
    rest.is_empty()
}

/// `.5` and `5.` as JSON writes them.
fn normalised(value: &str) -> String {
    let mut text = value.to_owned();
    if let Some(dot) = text.find('.') {
        if !text[dot + 1..].starts_with(|next: char| next.is_ascii_digit()) {
            text.insert(dot + 1, '0');
        }
        if !text[..dot].ends_with(|last: char| last.is_ascii_digit()) {
            text.insert(dot, '0');
        }
    }
    text
}
