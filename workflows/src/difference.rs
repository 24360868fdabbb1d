//! What differs between two versions of a document, by what it means: steps and triggers are matched by their ids, and
//! neither the order of fields nor the layout counts.

mod parts;
mod places;
mod shown;
mod values;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Source;
use crate::tree::parse_tree;

use parts::{Parts, Placed};

/// One difference. Values are cut to a line, and those that look secret are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `steps.send.retry.max`, `triggers.cron.schedule`; of a step or trigger as a whole `steps.send`.
    pub path: String,
    #[serde(flatten)]
    pub kind: ChangeKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum ChangeKind {
    Added {
        to: String,
    },
    Removed {
        from: String,
    },
    Changed {
        from: String,
        to: String,
    },
    /// A step that stands somewhere else now.
    Moved {
        from: String,
        to: String,
    },
}

/// None when one of the two cannot be read.
pub fn difference(old: &Source, new: &Source) -> Option<Vec<Change>> {
    let [old, new] = [old, new].map(|source| parse_tree(source).ok().map(|tree| Parts::of(tree.to_value())));
    let (old, new) = (old?, new?);
    let mut changes = Vec::new();
    values::compare("", Some(&old.fields), Some(&new.fields), &mut changes);
    compare_placed("triggers", &old.triggers, &new.triggers, &mut changes);
    compare_placed("steps", &old.steps, &new.steps, &mut changes);
    let moved = places::moved(&old.steps, &new.steps);
    changes.extend(moved.into_iter().map(|(id, from, to)| {
        let kind = ChangeKind::Moved { from, to };
        Change { path: format!("steps.{id}"), kind }
    }));
    Some(changes)
}

/// In the order of the new document; what is gone comes last.
fn compare_placed(kind: &str, old: &[Placed], new: &[Placed], changes: &mut Vec<Change>) {
    for part in new {
        let path = format!("{kind}.{}", part.id);
        match old.iter().find(|other| other.id == part.id) {
            Some(other) => values::compare(&path, Some(&other.fields), Some(&part.fields), changes),
            None => changes.push(Change { path, kind: ChangeKind::Added { to: part.describe() } }),
        }
    }
    for part in old.iter().filter(|part| new.iter().all(|other| other.id != part.id)) {
        let kind_ = ChangeKind::Removed { from: part.describe() };
        changes.push(Change { path: format!("{kind}.{}", part.id), kind: kind_ });
    }
}

impl Change {
    /// "step send" for a part as a whole, else the path.
    fn subject(&self) -> String {
        let mut words = self.path.splitn(3, '.');
        match (words.next(), words.next(), words.next()) {
            (Some("steps"), Some(id), None) => format!("step {id}"),
            (Some("triggers"), Some(id), None) => format!("trigger {id}"),
            _ => self.path.clone(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject();
        match &self.kind {
            ChangeKind::Added { to } => write!(formatter, "+ {subject}  {to}"),
            ChangeKind::Removed { from } => write!(formatter, "- {subject}  {from}"),
            ChangeKind::Changed { from, to } if self.path == "name" => {
                write!(formatter, "~ renamed  {from} → {to}")
            }
            ChangeKind::Changed { from, to } => write!(formatter, "~ {subject}  {from} → {to}"),
            ChangeKind::Moved { from, to } => write!(formatter, "~ {subject} moved  {from} → {to}"),
        }
    }
}
