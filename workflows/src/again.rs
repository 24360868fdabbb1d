//! What has to happen to the stored checkpoints of a failed run so that it goes on from the steps that failed.

use std::collections::HashSet;

use crate::{Checkpoint, CheckpointStatus, Definition, OnError, Step};

/// At the end of the path of an undo that is a single step.
const UNDO: &str = "~undo";

/// How a failed run goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Again {
    /// Attempts that get another one: path and the attempt that failed.
    pub repeat: Vec<(String, u32)>,
    /// Paths whose checkpoints belong to the end that is taken back.
    pub forget: Vec<String>,
}

/// Why a failed run cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAgain {
    #[error("what it had done was undone ({0}); replay it instead")]
    Undone(String),
    #[error(
        "no attempt of it failed: what failed was computed, and would fail again; replay it with other inputs or a newer version"
    )]
    Computed,
    #[error("nothing that failed is at `{0}`")]
    NotThere(String),
}

/// A step and the lists that it stands in, from the outside in.
struct Placed<'d> {
    step: &'d Step,
    owners: Vec<(&'d Step, Inside)>,
    list: Root,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Main,
    /// `on_error` or `finally` of the document.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Body,
    Handler,
    Finally,
    Undo,
}

impl Again {
    /// `only`: a path, or the beginning of one, to go on with; everything that failed without it.
    pub fn plan(definition: &Definition, checkpoints: &[Checkpoint], only: Option<&str>) -> Result<Self, NotAgain> {
        let mut placed = Vec::new();
        place(&definition.steps, Root::Main, &mut Vec::new(), &mut placed);
        place(&definition.on_error, Root::End, &mut Vec::new(), &mut placed);
        place(&definition.finally, Root::End, &mut Vec::new(), &mut placed);
        let find = |path: &str| {
            let id = step_id(path);
            placed.iter().find(|placed| placed.step.id == id)
        };
        let last = last_attempts(checkpoints);
        if let Some(undone) = last.iter().find(|row| {
            let is_undo = row.path.ends_with(UNDO)
                || find(&row.path).is_some_and(|placed| placed.owners.iter().any(|(_, way)| *way == Inside::Undo));
            is_undo && row.status == CheckpointStatus::Succeeded
        }) {
            return Err(NotAgain::Undone(undone.path.clone()));
        }
        let mut again = Self::default();
        let mut containers = HashSet::new();
        for row in &last {
            let Some(placed) = find(&row.path) else { continue };
            let of_the_end = placed.list == Root::End
                || row.path.ends_with(UNDO)
                || placed.owners.iter().any(|(_, way)| *way == Inside::Finally || *way == Inside::Undo);
            if of_the_end {
                again.forget.push(row.path.clone());
            } else if row.status == CheckpointStatus::Failed && placed.step.is_container() {
                containers.insert(row.path.as_str());
            } else if row.status == CheckpointStatus::Failed && !is_handled(placed) && is_wanted(&row.path, only) {
                again.repeat.push((row.path.clone(), row.attempt));
            }
        }
        if again.repeat.is_empty() {
            return Err(only.map_or(NotAgain::Computed, |only| NotAgain::NotThere(only.to_owned())));
        }
        // The rows of items that had failed as a whole, around what is repeated.
        for path in containers {
            let inside = |other: &str| other.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '#']));
            if again.repeat.iter().any(|(repeated, _)| inside(repeated)) {
                again.forget.push(path.to_owned());
            }
        }
        again.repeat.sort();
        again.forget.sort();
        Ok(again)
    }
}

/// The step that a path leads to.
pub fn step_at<'d>(definition: &'d Definition, path: &str) -> Option<&'d Step> {
    let id = step_id(path);
    [&definition.steps, &definition.on_error, &definition.finally].into_iter().find_map(|steps| find(steps, id))
}

/// Whether this is the path of an undo, or of a step inside one.
pub fn is_undo(definition: &Definition, path: &str) -> bool {
    fn inside(steps: &[Step], id: &str, undoes: bool) -> bool {
        steps.iter().any(|step| {
            let undo = step.compensate.as_ref().filter(|undo| !undo.single);
            let in_undo = undo.is_some_and(|undo| inside(&undo.steps, id, true));
            let elsewhere =
                step.lists().filter(|list| undo.is_none_or(|undo| !std::ptr::eq(list.as_ptr(), undo.steps.as_ptr())));
            (undoes && step.id == id) || in_undo || elsewhere.into_iter().any(|list| inside(list, id, undoes))
        })
    }
    path.ends_with(UNDO) || inside(&definition.steps, step_id(path), false)
}

fn find<'d>(steps: &'d [Step], id: &str) -> Option<&'d Step> {
    steps.iter().find_map(|step| if step.id == id { Some(step) } else { step.lists().find_map(|list| find(list, id)) })
}

/// What a replay that begins in the middle can take over of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Ids of the steps before it, with those inside them.
    pub steps: Vec<String>,
    /// An undo of one of them that has been carried out: what is taken over is not there any more.
    pub undone: Option<String>,
}

impl TakenOver {
    /// `before`: steps of the document's own list.
    pub fn plan(before: &[Step], checkpoints: &[Checkpoint]) -> Self {
        let mut placed = Vec::new();
        place(before, Root::Main, &mut Vec::new(), &mut placed);
        let undoes = |placed: &Placed<'_>| placed.owners.iter().any(|(_, way)| *way == Inside::Undo);
        let is_undo = |path: &str| {
            let id = step_id(path);
            placed.iter().any(|placed| placed.step.id == id && (path.ends_with(UNDO) || undoes(placed)))
        };
        let undone = checkpoints.iter().find(|row| row.status == CheckpointStatus::Succeeded && is_undo(&row.path));
        Self {
            undone: undone.map(|row| row.path.clone()),
            steps: placed.iter().filter(|placed| !undoes(placed)).map(|placed| placed.step.id.clone()).collect(),
        }
    }
}

fn place<'d>(steps: &'d [Step], list: Root, owners: &mut Vec<(&'d Step, Inside)>, placed: &mut Vec<Placed<'d>>) {
    use crate::Body;
    for step in steps {
        placed.push(Placed { step, owners: owners.clone(), list });
        let mut inside = |steps: &'d [Step], way: Inside| {
            owners.push((step, way));
            place(steps, list, owners, placed);
            owners.pop();
        };
        match &step.body {
            Body::Block { steps, .. } => inside(steps, Inside::Body),
            Body::Switch(arms) => arms.iter().for_each(|arm| inside(&arm.steps, Inside::Body)),
            _ => {}
        }
        if let OnError::Steps(steps) = &step.on_error {
            inside(steps, Inside::Handler);
        }
        inside(&step.finally, Inside::Finally);
        if let Some(undo) = step.compensate.as_ref().filter(|undo| !undo.single) {
            inside(&undo.steps, Inside::Undo);
        }
    }
}

/// Its own handler, or that of something around it, has made up for it.
fn is_handled(placed: &Placed<'_>) -> bool {
    let handles = |step: &Step| !matches!(step.on_error, OnError::Fail);
    handles(placed.step) || placed.owners.iter().any(|(owner, way)| *way == Inside::Body && handles(owner))
}

fn is_wanted(path: &str, only: Option<&str>) -> bool {
    let Some(only) = only else { return true };
    path.strip_prefix(only).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '#', '/']))
}

fn last_attempts(checkpoints: &[Checkpoint]) -> Vec<&Checkpoint> {
    let mut last: Vec<&Checkpoint> = checkpoints.iter().collect();
    last.sort_by(|one, other| (&one.path, other.attempt).cmp(&(&other.path, one.attempt)));
    last.dedup_by(|later, first| later.path == first.path);
    last
}

/// The id at the end of a path: `a[3].b#2/send[1]` is a `send`.
fn step_id(path: &str) -> &str {
    let path = path.strip_suffix(UNDO).unwrap_or(path);
    let id = path.rsplit(['.', '/']).next().unwrap_or(path);
    id.split('[').next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::step_id;

    #[test]
    fn a_path_ends_in_the_id_of_its_step() {
        for (path, id) in [("a", "a"), ("a[3]", "a"), ("a[3].b", "b"), ("a#2/b", "b"), ("a[1]#2/b-c~undo", "b-c")] {
            assert_eq!(step_id(path), id);
        }
    }
}
