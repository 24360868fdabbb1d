//! References as an author would write them.

use std::fmt::Write;

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// `order.fields['Phone number'][0]`.
pub(super) fn spelled(segments: &[String]) -> String {
    let mut text = String::new();
    for (index, segment) in segments.iter().enumerate() {
        if index == 0 {
            text.push_str(segment);
        } else if is_name(segment) {
            text.push('.');
            text.push_str(segment);
        } else if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            write!(text, "[{segment}]").expect("a string takes everything");
        } else {
            let segment = segment.replace('\\', "\\\\").replace('\'', "\\'");
            write!(text, "['{segment}']").expect("a string takes everything");
        }
    }
    text
}
