//! Looking at a PDF from outside.

const SMALLEST: usize = 800;
const MARK: &[u8] = b"/Type /Page";

/// How many pages a whole document has; `None` for anything else.
pub(super) fn pages(bytes: &[u8]) -> Option<usize> {
    let end = bytes.len().saturating_sub(64);
    let is_whole = bytes.len() >= SMALLEST && bytes.starts_with(b"%PDF-") && find(&bytes[end..], b"%%EOF").is_some();
    if !is_whole {
        return None;
    }
    let (mut count, mut rest) = (0, bytes);
    while let Some(at) = find(rest, MARK) {
        rest = &rest[at + MARK.len()..];
        // `/Pages` is the tree above them.
        count += usize::from(rest.first() != Some(&b's'));
    }
    Some(count).filter(|count| *count > 0)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_document_has_pages() {
        let body = " ".repeat(SMALLEST);
        let whole = format!("%PDF-1.4\n<< /Type /Pages >> << /Type /Page\n>> << /Type /Page /x >>{body}%%EOF\n");
        assert_eq!(pages(whole.as_bytes()), Some(2));
        assert_eq!(pages(&whole.as_bytes()[..whole.len() - 8]), None);
        assert_eq!(pages(b"%PDF-1.4 %%EOF"), None);
        assert_eq!(pages(b"<html>"), None);
    }
}
