//! Scalars: which quotes one needs, and how one of several lines is indented anew.

use serde_saphyr::granit_parser::ScalarStyle;

use crate::layout::page::STEP;

/// Words that some reader of YAML takes for something else than a text.
const TAKEN: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A scalar of one line: without quotes where nobody could misread it, else in double quotes.
pub(super) fn one_line(raw: &str, value: &str, style: ScalarStyle) -> String {
    match style {
        // A key: what goes on over several lines elsewhere has to be put on one here.
        ScalarStyle::Plain if raw.contains('\n') && !value.contains('\n') => value.to_owned(),
        _ if raw.contains('\n') => serde_json::Value::from(value).to_string(),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted if is_plain(value) => value.to_owned(),
        ScalarStyle::SingleQuoted if !value.contains(['"', '\\']) => format!("\"{value}\""),
        _ => raw.to_owned(),
    }
}

/// Letters, then letters, digits and single marks: narrower than YAML, so that texts with a meaning of their own (times,
/// dates, templates, patterns) keep their quotes.
fn is_plain(value: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | ' ');
    value.starts_with(char::is_alphabetic)
        && value.chars().all(is_word)
        && !value.ends_with(' ')
        && !value.contains("  ")
        && !TAKEN.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// The lines of a quoted or plain scalar that goes on over several: white space at their ends means nothing.
pub(super) fn folded(raw: &str, style: ScalarStyle, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let mut text = String::with_capacity(raw.len() + 64);
    for (place, line) in raw.split('\n').enumerate() {
        let line = if place > 0 { line.trim_start() } else { line };
        let trimmed = line.trim_end();
        // An escaped blank or line break counts.
        let is_escaped = style == ScalarStyle::DoubleQuoted && trimmed.ends_with('\\');
        let line = if is_escaped { line.trim_end_matches('\r') } else { trimmed };
        if place > 0 {
            text.push('\n');
            if !line.is_empty() {
                text.push_str(&margin);
            }
        }
        text.push_str(line);
    }
    text
}

/// A `|` or `>` scalar in two parts, because a comment may stand behind the first.
pub(super) struct Block {
    pub header: String,
    /// Each line with the break before it.
    pub content: String,
}

/// `raw` goes from the header to the end of the content. None when it holds nothing but white space.
pub(super) fn block(raw: &str, value: &str, indent: usize) -> Option<Block> {
    let (header, content) = raw.split_once('\n')?;
    // Behind the last line break there may be the next value's indentation.
    let (whole_lines, rest) = content.rsplit_once('\n').unwrap_or((content, ""));
    let content = if rest.trim().is_empty() { whole_lines } else { content };
    let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_written = |line: &&str| !line.trim_matches([' ', '\r']).is_empty();
    let own_spaces = spaces(value.split('\n').find(is_written)?);
    let margin_before = spaces(content.split('\n').find(is_written)?).checked_sub(own_spaces)?;
    let mut lines: Vec<&str> = content
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .map(|line| line.get(margin_before..).unwrap_or_default())
        .collect();
    let style = header.chars().next()?;
    let chomping = header[1..].chars().take_while(|mark| !mark.is_whitespace()).find(|mark| matches!(mark, '+' | '-'));
    while lines.last() == Some(&"") {
        lines.pop();
    }
    let head = lines.iter().position(is_written).unwrap_or_default();
    let digit = lines[..=head].iter().any(|line| line.starts_with(' ')).then(|| STEP.to_string());
    let margin = " ".repeat(indent);
    let mut text = String::with_capacity(content.len() + 64);
    for line in lines {
        text.push('\n');
        if !line.is_empty() {
            text.push_str(&margin);
            text.push_str(line);
        }
    }
    if chomping == Some('+') {
        let kept = value.len() - value.trim_end_matches('\n').len();
        text.extend(std::iter::repeat_n('\n', kept.saturating_sub(1)));
    }
    let header = format!("{style}{}{}", digit.unwrap_or_default(), chomping.map(String::from).unwrap_or_default());
    Some(Block { header, content: text })
}
