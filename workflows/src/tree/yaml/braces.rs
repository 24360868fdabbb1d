//! Templates without quotes: YAML for a map in a map, which nobody means.

use crate::check::Finding;
use crate::source::Span;

/// The first value that starts with `{{` outside quotes, comments and block scalars. Lines are looked at one by one,
/// so this is only asked about documents that YAML has refused already.
pub(super) fn unquoted(text: &str) -> Option<Finding> {
    let mut line_start = 0;
    let mut block_indent: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let start = line_start;
        line_start += line.len();
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        if let Some(parent) = block_indent {
            if content.is_empty() || indent > parent {
                continue;
            }
            block_indent = None;
        }
        if content.trim_start().starts_with('#') {
            continue;
        }
        if let Some(at) = unquoted_value(content) {
            let value = &content[at..];
            let span = Span::new(start + at, start + at + value_len(value));
            return Some(finding(span, span.text(text)));
        }
        if starts_block(content) {
            block_indent = Some(indent);
        }
    }
    None
}

fn finding(span: Span, value: &str) -> Finding {
    // A string in the template may hold double quotes; then single ones go around it.
    let quoted =
        if value.contains(['"', '\\']) { format!("'{}'", value.replace('\'', "''")) } else { format!("\"{value}\"") };
    // Where text follows, only the author knows where the value ends.
    let is_whole = value.ends_with("}}");
    Finding::error("E002", span, "`{{ }}` must be quoted in YAML")
        .label("YAML reads this as a nested map, not as a template")
        .help(format!("put quotes around it: {quoted}"))
        .fix("Quote the template", is_whole, vec![(span, quoted)])
}

/// Up to the last `}}`, or further when text follows that is not the end of a list or a map.
fn value_len(value: &str) -> usize {
    let Some(end) = value.find("}}").map(|end| end + 2) else { return value.len() };
    let rest = &value[end..];
    match rest.trim_start().chars().next() {
        None | Some(',' | '}' | ']' | '#') => end,
        Some(_) => rest.find(" #").map_or(value.len(), |comment| end + comment),
    }
}

/// The place of a value of this line that starts with `{{` and is not inside quotes or a comment.
fn unquoted_value(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut is_escaped = false;
    let mut expects_value = true;
    // List markers, one or several, before anything else on the line.
    let mut only_marks = true;
    let mut previous = ' ';
    for (at, letter) in line.char_indices() {
        if let Some(open) = quote {
            if is_escaped {
                is_escaped = false;
            } else if letter == '\\' && open == '"' {
                is_escaped = true;
            } else if letter == open {
                quote = None;
            }
            continue;
        }
        only_marks &= matches!(letter, ' ' | '-');
        match letter {
            '"' | '\'' if expects_value => {
                quote = Some(letter);
                expects_value = false;
            }
            '#' if previous.is_whitespace() => return None,
            '{' if expects_value && line[at..].starts_with("{{") => return Some(at),
            '{' | '[' | ',' => expects_value = true,
            ' ' | '\t' => expects_value |= previous == ':' || only_marks,
            _ => expects_value = false,
        }
        previous = letter;
    }
    None
}

/// Whether a `|` or `>` block follows this line.
fn starts_block(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let header = line.trim_end_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '+'));
    header.ends_with(": |") || header.ends_with(": >") || header.ends_with("- |") || header.ends_with("- >")
}
