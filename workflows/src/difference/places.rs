//! Steps that stand somewhere else: in another list, or in another order.

use super::parts::Placed;

/// Id, old place and new place of each step that was moved. As few as explain the new order.
pub(super) fn moved(old: &[Placed], new: &[Placed]) -> Vec<(String, String, String)> {
    let mut moved = Vec::new();
    for step in new {
        let Some(was) = find(old, &step.id) else { continue };
        if was.list != step.list {
            moved.push((step.id.clone(), format!("in {}", was.list), format!("in {}", step.list)));
        }
    }
    let mut lists: Vec<&str> = new.iter().map(|step| step.list.as_str()).collect();
    lists.sort_unstable();
    lists.dedup();
    for list in lists {
        let stays = |step: &&Placed, others: &[Placed]| {
            step.list == list && find(others, &step.id).is_some_and(|other| other.list == list)
        };
        let before: Vec<&str> = old.iter().filter(|step| stays(step, new)).map(|step| step.id.as_str()).collect();
        let after: Vec<&str> = new.iter().filter(|step| stays(step, old)).map(|step| step.id.as_str()).collect();
        let places: Vec<usize> = after.iter().filter_map(|id| before.iter().position(|other| other == id)).collect();
        let kept = longest_rising(&places);
        for (at, id) in after.iter().enumerate().filter(|(at, _)| !kept.contains(at)) {
            moved.push(((*id).to_owned(), neighbour(&before, places[at]), neighbour(&after, at)));
        }
    }
    moved
}

fn find<'p>(steps: &'p [Placed], id: &str) -> Option<&'p Placed> {
    steps.iter().find(|step| step.id == id)
}

fn neighbour(order: &[&str], place: usize) -> String {
    match place.checked_sub(1).and_then(|before| order.get(before)) {
        Some(before) => format!("after `{before}`"),
        None => "first".to_owned(),
    }
}

/// The places of a longest rising subsequence. Lists have at most 200 steps, so the simple way will do.
fn longest_rising(numbers: &[usize]) -> Vec<usize> {
    let mut best: Vec<Vec<usize>> = Vec::with_capacity(numbers.len());
    for (place, number) in numbers.iter().enumerate() {
        let longest = (0..place).filter(|before| numbers[*before] < *number).max_by_key(|before| best[*before].len());
        let mut run = longest.map(|before| best[before].clone()).unwrap_or_default();
        run.push(place);
        best.push(run);
    }
    best.into_iter().max_by_key(Vec::len).unwrap_or_default()
}
