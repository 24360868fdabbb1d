//! A Mermaid flowchart. Boxes have numbers for names, so that nothing of a document is ever syntax.

use std::fmt::Write as _;

use super::outline::{Group, Outline, Role, Tile};

pub(super) fn draw(outline: &Outline) -> String {
    let mut chart = Chart { text: "flowchart TD\n".to_owned(), boxes: 0 };
    let title = if outline.triggers.is_empty() { "start".to_owned() } else { outline.triggers.join(" · ") };
    chart.line(1, &format!("start([\"{}\"])", escaped(&title)));
    let mut last = Vec::new();
    for group in &outline.groups {
        if group.role == Role::Body {
            let names = chart.boxes(group, 1);
            for (place, name) in names.iter().enumerate() {
                if group.arrows.iter().all(|(_, to)| *to != place) {
                    chart.line(1, &format!("start --> {name}"));
                }
                if group.arrows.iter().all(|(from, _)| *from != place) {
                    last.push(name.clone());
                }
            }
        } else {
            let name = chart.group(group, 1);
            let from: Vec<String> = if group.role == Role::OnError { vec!["start".to_owned()] } else { last.clone() };
            for from in from {
                chart.line(1, &format!("{from} -. {} .-> {name}", group.title));
            }
        }
    }
    chart.text
}

struct Chart {
    text: String,
    boxes: usize,
}

impl Chart {
    fn line(&mut self, depth: usize, line: &str) {
        writeln!(self.text, "{}{line}", "  ".repeat(depth)).expect("a string takes everything");
    }

    fn name(&mut self) -> String {
        self.boxes += 1;
        format!("n{}", self.boxes)
    }

    fn boxes(&mut self, group: &Group, depth: usize) -> Vec<String> {
        let names: Vec<String> = group.boxes.iter().map(|one| self.one(one, depth)).collect();
        for (from, to) in &group.arrows {
            self.line(depth, &format!("{} --> {}", names[*from], names[*to]));
        }
        names
    }

    fn group(&mut self, group: &Group, depth: usize) -> String {
        let name = self.name();
        self.line(depth, &format!("subgraph {name}[\"{}\"]", escaped(&group.title)));
        self.boxes(group, depth + 1);
        self.line(depth, "end");
        name
    }

    fn one(&mut self, one: &Tile, depth: usize) -> String {
        let name = self.name();
        let label = label(one);
        let (inside, beside): (Vec<&Group>, Vec<&Group>) =
            one.groups.iter().partition(|group| matches!(group.role, Role::Body | Role::Arm));
        if inside.is_empty() {
            let (open, close) = if one.kind.starts_with("wait") { ("([", "])") } else { ("[", "]") };
            self.line(depth, &format!("{name}{open}\"{label}\"{close}"));
        } else {
            self.line(depth, &format!("subgraph {name}[\"{label}\"]"));
            for group in inside {
                if group.title.is_empty() {
                    self.boxes(group, depth + 1);
                } else {
                    self.group(group, depth + 1);
                }
            }
            self.line(depth, "end");
        }
        for group in beside {
            let beside = self.group(group, depth);
            self.line(depth, &format!("{name} -. {} .-> {beside}", group.title));
        }
        name
    }
}

fn label(one: &Tile) -> String {
    let mut label = format!("<b>{}</b> {}", escaped(&one.id), escaped(&one.kind));
    for note in &one.notes {
        write!(label, "<br/>{}", escaped(note)).expect("a string takes everything");
    }
    label
}

/// Mermaid's own entities: neither Markdown nor HTML is left.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' | '{' | '}' | '[' | ']' | '|' | '*' | '$' => {
                write!(safe, "#{};", u32::from(letter)).expect("a string takes everything");
            }
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}
