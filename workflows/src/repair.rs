//! Doing what diagnostics propose.

mod apply;

use std::collections::HashSet;

use crate::tree::Reading;
use crate::{Catalog, Checked, Diagnostic, Edit, Fix, Severity, Source, check};
use apply::offsets;

pub use apply::apply;

/// How often the document is checked again after a change that left something to fix.
const ROUNDS_MAX: usize = 10;

/// Which fixes are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that cannot change what the document means.
    Safe,
    /// Of each diagnostic a safe one, or else the first that it offers.
    Any,
}

/// The answer of [`repair`].
#[derive(Debug)]
pub struct Repaired {
    pub source: Source,
    /// In the order in which they were done; empty when the text is what it was.
    pub fixed: Vec<Fixed>,
    /// What is left to say about the repaired text.
    pub checked: Checked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// As it was found; its place is that of the text before this fix.
    pub diagnostic: Diagnostic,
    pub title: String,
}

/// Applies fixes and checks again until there is nothing left to do. A safe fix that would bring new errors to light is
/// left to the author.
pub fn repair(source: &Source, catalog: &Catalog, trust: Trust) -> Repaired {
    let mut repaired = Repaired { source: source.clone(), fixed: Vec::new(), checked: check(source, catalog) };
    let mut refused = HashSet::new();
    for _ in 0..ROUNDS_MAX {
        let wishes = wishes(&repaired.checked, trust, &refused);
        if wishes.is_empty() {
            break;
        }
        if repaired.take(&wishes, catalog, trust) {
            continue;
        }
        // Together they do harm. From the last to the first, so that the places of the others stay right.
        for wish in wishes.into_iter().rev() {
            if !repaired.take(std::slice::from_ref(&wish), catalog, trust) {
                refused.insert(wish.identity());
            }
        }
    }
    repaired
}

/// One diagnostic and what is to be done about it.
#[derive(Debug, Clone)]
struct Wish {
    diagnostic: Diagnostic,
    fix: Fix,
}

/// What stays the same when other places of the text change.
type Identity = (&'static str, String, String);

impl Wish {
    fn identity(&self) -> Identity {
        (self.diagnostic.code, self.diagnostic.path.clone(), self.diagnostic.message.clone())
    }

    /// From the first byte that it changes to the last.
    fn extent(&self) -> (usize, usize) {
        let edits = || self.fix.edits.iter().map(|edit| offsets(edit.range));
        let start = edits().map(|(start, _)| start).min().unwrap_or_default();
        (start, edits().map(|(_, end)| end).max().unwrap_or_default())
    }
}

/// In the order of the text; of two that touch each other the first, the other one has to wait for the next round.
fn wishes(checked: &Checked, trust: Trust, refused: &HashSet<Identity>) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = checked.diagnostics.iter().filter_map(|found| wish(found, trust)).collect();
    wishes.retain(|wish| !refused.contains(&wish.identity()));
    wishes.sort_by_key(Wish::extent);
    let mut end = None;
    wishes.retain(|wish| {
        let (start, own_end) = wish.extent();
        let is_free = end.is_none_or(|end| start > end);
        if is_free {
            end = Some(own_end);
        }
        is_free
    });
    wishes
}

fn wish(diagnostic: &Diagnostic, trust: Trust) -> Option<Wish> {
    let safe = diagnostic.fixes.iter().find(|fix| fix.safe);
    let fix = match trust {
        Trust::Safe => safe?,
        Trust::Any => safe.or(diagnostic.fixes.first())?,
    };
    Some(Wish { diagnostic: diagnostic.clone(), fix: fix.clone() })
}

impl Repaired {
    /// Does the wishes if the document is the better for it.
    fn take(&mut self, wishes: &[Wish], catalog: &Catalog, trust: Trust) -> bool {
        let edits: Vec<Edit> = wishes.iter().flat_map(|wish| wish.fix.edits.iter().cloned()).collect();
        let changed = Source { text: apply(&self.source.text, &edits), ..self.source.clone() };
        let (before, after) = (Reading::of(&self.source), Reading::of(&changed));
        if after < before || (after == before && after != Reading::Whole) {
            return false;
        }
        let checked = check(&changed, catalog);
        if before == Reading::Whole {
            let are_gone = wishes.iter().all(|wish| is_gone(&wish.diagnostic, &self.checked, &checked));
            let brings_errors = errors(&checked) > errors(&self.checked);
            if !are_gone || (brings_errors && trust == Trust::Safe) {
                return false;
            }
        }
        self.source = changed;
        self.checked = checked;
        let fixed = |wish: &Wish| Fixed { diagnostic: wish.diagnostic.clone(), title: wish.fix.title.clone() };
        self.fixed.extend(wishes.iter().map(fixed));
        true
    }
}

/// Whether there is less of it: the same may be said of several places.
fn is_gone(diagnostic: &Diagnostic, before: &Checked, after: &Checked) -> bool {
    let count = |checked: &Checked| {
        checked
            .diagnostics
            .iter()
            .filter(|found| (found.code, &found.message) == (diagnostic.code, &diagnostic.message))
            .count()
    };
    let all = |checked: &Checked| checked.diagnostics.len() + checked.omitted;
    count(after) < count(before) || all(after) < all(before)
}

/// Errors are shown before warnings, so those that are omitted only count when errors fill all the room.
fn errors(checked: &Checked) -> usize {
    let shown = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    if shown == checked.diagnostics.len() { shown + checked.omitted } else { shown }
}
