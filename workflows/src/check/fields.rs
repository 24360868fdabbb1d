//! Fields that nobody knows, or that stand in the wrong place.

use super::{Facts, Finding, Report};
use crate::suggest::listed;
use crate::tree::Entry;

/// What may stand in one kind of map.
pub(super) struct Fields<'a> {
    /// "in step `fetch`", as it stands in messages.
    pub place: &'a str,
    pub known: &'a [&'a str],
}

pub(super) const PLACEMENT_HELP: &str =
    "what a step's *type* needs goes inside `config`; what the *engine* does (retry, timeout, if …) stays beside it";

impl Fields<'_> {
    /// Reports every entry that does not belong here; `misplaced` may know a better place for one.
    pub fn check<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e Entry>,
        facts: &Facts<'_>,
        report: &mut Report,
        misplaced: impl Fn(&Entry) -> Option<Finding>,
    ) {
        for entry in entries {
            let key = entry.key.as_str();
            if self.known.contains(&key) {
                continue;
            }
            if report.is_full() {
                return;
            }
            if let Some(finding) = misplaced(entry) {
                report.add(finding);
            } else {
                let finding = self.unknown(entry, facts, report);
                report.add(finding);
            }
        }
    }

    fn unknown(&self, entry: &Entry, facts: &Facts<'_>, report: &Report) -> Finding {
        let message = format!("unknown field `{}` {}", entry.key, self.place);
        let candidates = self.known.iter().copied();
        if let Some(meant) = report.closest(&entry.key, candidates) {
            return Finding::error("E101", entry.key_span, message).label(format!("did you mean `{meant}`?")).fix(
                format!("Rename to `{meant}`"),
                false,
                vec![(entry.key_span, key_text(facts, entry, meant))],
            );
        }
        let help = format!("known here: {}", listed(self.known.iter().copied()));
        if facts.versioned {
            Finding::error("E101", entry.key_span, message).label("nothing reads this").help(help)
        } else {
            Finding::warning("W101", entry.key_span, message)
                .label("nothing reads this")
                .help(format!("{help}; with `\"version\": 1` in the document this is an error"))
        }
    }
}

/// A key in the way the author writes keys.
fn key_text(facts: &Facts<'_>, entry: &Entry, key: &str) -> String {
    if entry.key_span.text(&facts.source.text).starts_with('"') { format!("\"{key}\"") } else { key.to_owned() }
}
