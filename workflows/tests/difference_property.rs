//! Where no difference is told, a deploy changes nothing that runs.

#[path = "kit/checking.rs"]
mod checking;
#[path = "kit/corpus.rs"]
mod corpus;

use checking::catalog;
use corpus::{changed, is_accepted};
use onward_workflows::{ChangeKind, Format, Source, check, difference};
use proptest::prelude::*;
use serde_json::Value;

fn source(document: &Value) -> Source {
    Source::new("w.json", document.to_string(), Format::Json)
}

/// The definition without the places of its expressions in the text.
fn meaning(document: &Value) -> String {
    let definition = format!("{:?}", check(&source(document), &catalog()).definition);
    let mut parts = definition.split(" at ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ':')
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn without_a_difference_the_meaning_is_the_same((old, new) in changed()) {
        let changes = difference(&source(&old), &source(&new)).expect("both can be read");
        if changes.is_empty() && is_accepted(&new) {
            prop_assert_eq!(meaning(&old), meaning(&new), "{}\n{}", old, new);
        }
        prop_assert_eq!(difference(&source(&new), &source(&new)), Some(Vec::new()));
    }

    /// Whatever is told in one direction is told in the other one.
    #[test]
    fn the_way_back_undoes_it((old, new) in changed()) {
        let there = difference(&source(&old), &source(&new)).expect("both can be read");
        let back = difference(&source(&new), &source(&old)).expect("both can be read");
        let count = |changes: &[onward_workflows::Change], wanted: fn(&ChangeKind) -> bool| {
            changes.iter().filter(|change| wanted(&change.kind)).count()
        };
        let added: fn(&ChangeKind) -> bool = |kind| matches!(kind, ChangeKind::Added { .. });
        let removed: fn(&ChangeKind) -> bool = |kind| matches!(kind, ChangeKind::Removed { .. });
        prop_assert_eq!((count(&there, added), count(&there, removed)), (count(&back, removed), count(&back, added)));
        prop_assert_eq!(there.len(), back.len());
    }
}
