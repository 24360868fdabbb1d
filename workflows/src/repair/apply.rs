//! Edits become text.

use crate::{Edit, Range};

/// The text with the edits done. One that overlaps an earlier one, or that does not lie within the text, is left out.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start.offset, edit.range.end.offset));
    let mut edited = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut done = 0;
    for edit in sorted {
        let (start, end) = offsets(edit.range);
        let Some(kept) = text.get(done..start).filter(|_| text.get(start..end).is_some()) else { continue };
        edited.push_str(kept);
        edited.push_str(&edit.text);
        done = end;
    }
    edited.push_str(&text[done..]);
    edited
}

pub(super) fn offsets(range: Range) -> (usize, usize) {
    let offset = |position: u32| usize::try_from(position).unwrap_or(usize::MAX);
    (offset(range.start.offset), offset(range.end.offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Lines, Span};

    fn check(text: &str, edits: &[(usize, usize, &str)], expected: &str) {
        let lines = Lines::new(text);
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(start, end, text)| Edit { range: lines.range(Span::new(*start, *end)), text: (*text).to_owned() })
            .collect();
        assert_eq!(apply(text, &edits), expected);
    }

    #[test]
    fn edits_are_done_in_the_order_of_the_text() {
        check("abc", &[(2, 3, "C"), (0, 1, "A"), (1, 1, "-")], "A-bC");
        check("אב", &[(2, 4, "x")], "אx");
        check("abc", &[], "abc");
        check("abc", &[(3, 3, "d")], "abcd");
    }

    #[test]
    fn what_overlaps_is_left_out() {
        check("abc", &[(0, 2, "x"), (1, 3, "y")], "xc");
    }
}
