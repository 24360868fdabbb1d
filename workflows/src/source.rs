//! A document's text, and where in it a byte stands.

use crate::{Position, Range};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comments and trailing commas are tolerated.
    Json,
    Yaml,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            _ => Err(UnknownFormat),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document's format is `json` or `yaml`")]
pub struct UnknownFormat;

/// One document as it was handed in. Offsets in diagnostics and fixes count in `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Shown in diagnostics; nothing is read from there.
    pub file: String,
    pub text: String,
    pub format: Format,
}

impl Source {
    pub fn new(file: impl Into<String>, text: impl Into<String>, format: Format) -> Self {
        let text = text.into();
        // Some editors put a byte order mark there; it is not part of the document.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Self { file: file.into(), text, format }
    }

    /// The format follows from the file's name; what does not end in `.yaml` or `.yml` is JSON.
    pub fn from_file(file: impl Into<String>, text: impl Into<String>) -> Self {
        let file = file.into();
        let is_yaml = file
            .rsplit_once('.')
            .is_some_and(|(_, end)| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"));
        Self::new(file, text, if is_yaml { Format::Yaml } else { Format::Json })
    }
}

/// Bytes of the source text, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    pub fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }

    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

/// Characters are counted once for every block of this many bytes, because a document may be a single long line.
const BLOCK: usize = 256;

/// Where each line starts and how many characters stand before each block, so that a position costs little.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    characters: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut characters = Vec::with_capacity(text.len() / BLOCK + 1);
        let mut before = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            characters.push(before);
            before += characters_in(block);
        }
        characters.push(before);
        Self { text, starts, characters }
    }

    pub fn text(&self, span: Span) -> &'a str {
        span.text(self.text)
    }

    /// The byte of a line and column; None if there is no such line.
    pub fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let line = usize::try_from(line.checked_sub(1)?).ok()?;
        let start = *self.starts.get(line)?;
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let before = usize::try_from(column.checked_sub(1)?).ok()?;
        let text = &self.text[start..end];
        Some(text.char_indices().nth(before).map_or(end, |(at, _)| start + at))
    }

    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = self.characters_before(offset) - self.characters_before(self.starts[line]);
        Position { line: count(line + 1), column: count(column + 1), offset: count(offset) }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.characters[block] + characters_in(&self.text.as_bytes()[block * BLOCK..offset])
    }

    pub fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end) }
    }
}

/// Every byte that does not continue a character starts one.
fn characters_in(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

/// Documents are far below four billion bytes; a number beyond that only ever misplaces a caret.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_offsets_count_bytes() {
        let lines = Lines::new("א\nבב x");
        let found = lines.position("א\nבב ".len());
        assert_eq!((found.line, found.column, found.offset), (2, 4, 8));
    }

    #[test]
    fn the_name_decides_the_format() {
        assert_eq!(Source::from_file("a/b.yml", "").format, Format::Yaml);
        assert_eq!(Source::from_file("a/b.YAML", "").format, Format::Yaml);
        assert_eq!(Source::from_file("a/b.json", "").format, Format::Json);
        assert_eq!(Source::from_file("yaml", "").format, Format::Json);
    }
}
