//! A tree for terminals. An arrow stands where a step does not simply follow the one above.

use std::fmt::Write as _;

use super::outline::{Group, Outline, Role, Tile};

pub(super) fn draw(outline: &Outline) -> String {
    let mut text = format!("{}\n", plain(&outline.name));
    if !outline.triggers.is_empty() {
        writeln!(text, "started by: {}", plain(&outline.triggers.join(" · "))).expect("a string takes everything");
    }
    groups(&outline.groups, "", &mut text);
    text
}

/// A name may hold anything that is a character.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn groups(all: &[Group], indent: &str, text: &mut String) {
    for (place, group) in all.iter().enumerate() {
        let is_last = place + 1 == all.len();
        if group.title.is_empty() {
            // Its steps stand where a title would: what comes after them continues the line.
            boxes(group, indent, is_last, text);
            continue;
        }
        let (branch, below) = if is_last { ("└╴", "  ") } else { ("├╴", "│ ") };
        let sign = match group.role {
            Role::Arm => "?",
            Role::OnError => "!",
            Role::Undo => "↶",
            Role::Finally | Role::Body => "▪",
        };
        writeln!(text, "{indent}{branch}{sign} {}", group.title).expect("a string takes everything");
        boxes(group, &format!("{indent}{below}"), true, text);
    }
}

fn boxes(group: &Group, indent: &str, ends: bool, text: &mut String) {
    for (place, one) in group.boxes.iter().enumerate() {
        let is_last = ends && place + 1 == group.boxes.len();
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let mut line = format!("{indent}{branch}{}  {}", one.id, one.kind);
        for note in &one.notes {
            write!(line, "  · {note}").expect("a string takes everything");
        }
        if let Some(arrow) = arrow(group, place) {
            write!(line, "  ← {arrow}").expect("a string takes everything");
        }
        writeln!(text, "{line}").expect("a string takes everything");
        groups(&one.groups, &format!("{indent}{below}"), text);
    }
}

/// What a step waits for, when that is not just the step above.
fn arrow(group: &Group, place: usize) -> Option<String> {
    let id = |place: usize| -> &Tile { &group.boxes[place] };
    let needs: Vec<usize> = group.arrows.iter().filter(|(_, to)| *to == place).map(|(from, _)| *from).collect();
    match needs.as_slice() {
        // In a parallel block nobody waits for anybody.
        [] if place == 0 || group.arrows.is_empty() => None,
        [only] if only + 1 == place => None,
        [] => Some("at once".to_owned()),
        several => Some(several.iter().map(|place| id(*place).id.as_str()).collect::<Vec<_>>().join(", ")),
    }
}
