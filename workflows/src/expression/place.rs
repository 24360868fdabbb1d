//! Where an expression stands in its document.

/// The line and column (one-based, in characters) of its first character. What follows is counted on from there, except
/// after escapes, folded lines and words that the document does not have: each of these makes a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    start: (u32, u32),
    /// Bytes of the source, rising, and the line and column that begin there.
    turns: Box<[Turn]>,
}

type Turn = (usize, (u32, u32));

impl Place {
    pub fn at(line: u32, column: u32) -> Self {
        Self { start: (line, column), turns: Box::default() }
    }

    /// `known` gives the line and column of a byte of the source; None where counting on is as good as anything.
    pub fn follow(source: &str, start: (u32, u32), known: impl Fn(usize) -> Option<(u32, u32)>) -> Self {
        let mut turns = Vec::new();
        let mut counted = start;
        let mut before = None;
        for (at, character) in source.char_indices().chain([(source.len(), '\0')]) {
            if let Some(last) = before.replace(character) {
                counted = after(counted, last);
            }
            if let Some(found) = known(at).filter(|found| *found != counted) {
                turns.push((at, found));
                counted = found;
            }
        }
        Self { start, turns: turns.into() }
    }

    /// Line and column of the byte `at` of `source`.
    pub fn position(&self, source: &str, at: usize) -> (u32, u32) {
        let turn = self.turns.partition_point(|(byte, _)| *byte <= at).checked_sub(1).map(|index| self.turns[index]);
        let (from, position) = turn.unwrap_or((0, self.start));
        source.get(from..at).unwrap_or_default().chars().fold(position, after)
    }
}

fn after((line, column): (u32, u32), character: char) -> (u32, u32) {
    if character == '\n' { (line + 1, 1) } else { (line, column + 1) }
}
