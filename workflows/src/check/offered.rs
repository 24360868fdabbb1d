//! Fixes are promises: one that would leave a text that cannot be read is not offered.

use crate::repair::apply;
use crate::tree::Reading;
use crate::{Diagnostic, Source};

/// Bytes that are read again to try fixes; what is beyond that is not offered.
const TRIED_MAX: usize = 2 * 1024 * 1024;

/// Takes away the fixes that would do harm. They see the text alone: the place may be inside quotes or brackets, or the
/// name that they propose may be taken.
pub(super) fn keep_sound(diagnostics: &mut [Diagnostic], source: &Source) {
    if diagnostics.iter().all(|diagnostic| diagnostic.fixes.is_empty()) {
        return;
    }
    let before = Reading::of(source);
    let mut tried = 0;
    for fixes in diagnostics.iter_mut().map(|diagnostic| &mut diagnostic.fixes) {
        fixes.retain(|fix| {
            tried += source.text.len();
            if tried > TRIED_MAX {
                return false;
            }
            let changed = Source { text: apply(&source.text, &fix.edits), ..source.clone() };
            let after = Reading::of(&changed);
            after == Reading::Whole || after > before
        });
    }
}
