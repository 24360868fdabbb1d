//! Paths and what authors write for them.

use std::collections::BTreeMap;

use super::code;
use super::read::Named;
use crate::check::Finding;
use crate::suggest::{closest, listed};
use crate::{Body, Definition, Step};

const UNDO: &str = "~undo";

/// The path without generations of repeated blocks: `deliver[0]#2/send` is `deliver[0].send`, `block#2/a` is `a`.
pub(super) fn canonical(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('/') {
        let (block, _) = before.rsplit_once('#').unwrap_or((before, ""));
        if block.ends_with(']') {
            plain.push_str(block);
            plain.push('.');
        } else if let Some((outer, _)) = block.rsplit_once('.') {
            plain.push_str(outer);
            plain.push('.');
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// The id of the step at the end of a path, with `~undo` if it is one.
pub(super) fn id_of(path: &str) -> String {
    let last = path.rsplit(['.', '/']).next().unwrap_or(path);
    let (last, undo) = last.strip_suffix(UNDO).map_or((last, ""), |last| (last, UNDO));
    let id = last.split(['[', '#']).next().unwrap_or(last);
    format!("{id}{undo}")
}

/// The number of the innermost item.
fn index_of(path: &str) -> Option<&str> {
    let start = path.rfind('[')?;
    path[start + 1..].split_once(']').map(|(index, _)| index)
}

/// How exactly `written` names this path: 3 as a whole, 2 as `id[index]`, 1 as an id; 0 not at all.
pub(super) fn rank(written: &str, path: &str) -> u8 {
    let plain = canonical(path);
    if written == path || written == plain {
        return 3;
    }
    if written.contains(['.', '/']) || id_of(written) != id_of(&plain) {
        return 0;
    }
    match index_of(written) {
        None => 1,
        Some(index) if index_of(&plain) == Some(index) => 2,
        Some(_) => 0,
    }
}

/// The steps of a document by what tests call them.
#[derive(Debug)]
pub(super) struct Known<'d> {
    steps: BTreeMap<String, &'d Step>,
}

impl<'d> Known<'d> {
    pub fn new(definition: &'d Definition) -> Self {
        let mut steps: BTreeMap<String, &'d Step> = BTreeMap::new();
        for step in definition.all_steps() {
            // The step of a short undo bears the id of the one that it undoes, which comes first.
            steps.entry(step.id.clone()).or_insert(step);
            if let Some(undo) = step.compensate.as_ref().filter(|undo| undo.single) {
                steps.insert(format!("{}{UNDO}", step.id), &undo.steps[0]);
            }
        }
        Self { steps }
    }

    pub fn find(&self, path: &str) -> Option<&'d Step> {
        self.steps.get(&id_of(path)).copied()
    }

    pub fn steps(&self) -> impl Iterator<Item = &'d Step> {
        self.steps.values().copied()
    }

    /// The step that is meant, or what is wrong with the name.
    pub fn look_up(&self, named: &Named) -> Result<&'d Step, Box<Finding>> {
        if let Some(step) = self.find(&named.text) {
            return Ok(step);
        }
        let id = id_of(&named.text);
        let finding = Finding::error(code::NO_STEP, named.span, format!("there is no step called `{id}`"));
        let ids = || self.steps.keys().map(String::as_str);
        let owner = id.strip_suffix(UNDO).filter(|owner| self.steps.contains_key(*owner));
        Err(Box::new(match (owner, closest(&id, ids())) {
            (Some(owner), _) => finding.label(format!("`{owner}` has no `compensate` of the form {{type, config}}")),
            (None, Some(meant)) => finding.label(format!("did you mean `{meant}`?")),
            (None, None) => finding.label("not in the document").help(format!("its steps: {}", listed(ids()))),
        }))
    }
}

/// Whether somebody outside of the run decides what it comes to.
pub(super) fn is_mocked(step: &Step) -> bool {
    matches!(step.body, Body::Work { .. } | Body::Call { .. } | Body::Emit { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_no_part_of_what_authors_write() {
        assert_eq!(canonical("send"), "send");
        assert_eq!(canonical("block#2/send"), "send");
        assert_eq!(canonical("deliver[17]#3/send"), "deliver[17].send");
        assert_eq!(canonical("deliver[1].block#2/send~undo"), "deliver[1].send~undo");
    }

    #[test]
    fn the_most_exact_name_wins() {
        assert_eq!(rank("deliver[1].send", "deliver[1].send"), 3);
        assert_eq!(rank("send[1]", "deliver[1].send"), 2);
        assert_eq!(rank("send[2]", "deliver[1].send"), 0);
        assert_eq!(rank("send", "deliver[1]#2/send"), 1);
        assert_eq!(rank("send", "deliver[1].send~undo"), 0);
        assert_eq!(rank("each[1]", "each[1]"), 3);
        assert_eq!(rank("charge~undo", "charge~undo"), 3);
    }
}
