//! What all pictures show: boxes in boxes, and arrows between the boxes of one list.

use serde_json::Value;

use crate::template::Part;
use crate::{Body, Definition, OnError, Step, Template, TriggerKind, WaitFor, format_duration};

/// Characters of a condition or a list in a picture.
const NOTE_MAX: usize = 60;

#[derive(Debug)]
pub(super) struct Outline {
    pub name: String,
    pub triggers: Vec<String>,
    /// The steps, then `on_error` and `finally`.
    pub groups: Vec<Group>,
}

#[derive(Debug)]
pub(super) struct Tile {
    pub id: String,
    /// Its type, or what kind of a block it is.
    pub kind: String,
    /// `if`, `foreach`, `retry` and what else decides about it.
    pub notes: Vec<String>,
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The work of the document or of a block.
    Body,
    Arm,
    OnError,
    Finally,
    Undo,
}

#[derive(Debug)]
pub(super) struct Group {
    pub role: Role,
    /// Empty for the only body of a block.
    pub title: String,
    pub boxes: Vec<Tile>,
    /// From, to; without those that follow from others.
    pub arrows: Vec<(usize, usize)>,
}

pub(super) fn outline(definition: &Definition) -> Outline {
    let mut groups = vec![group(Role::Body, "", &definition.steps)];
    groups.extend(optional(Role::OnError, "on_error", &definition.on_error));
    groups.extend(optional(Role::Finally, "finally", &definition.finally));
    let triggers = definition.triggers.iter().map(|trigger| match &trigger.kind {
        TriggerKind::Cron(cron) => format!("cron {} {}", cron.schedule, cron.timezone),
        TriggerKind::Webhook(webhook) => format!("webhook {}", webhook.endpoint),
        TriggerKind::Event(event) => format!("event {}", event.event),
        TriggerKind::Manual => "manual".to_owned(),
    });
    Outline { name: definition.name.clone(), triggers: triggers.collect(), groups }
}

fn optional(role: Role, title: &str, steps: &[Step]) -> Option<Group> {
    (!steps.is_empty()).then(|| group(role, title, steps))
}

fn group(role: Role, title: &str, steps: &[Step]) -> Group {
    let boxes = steps.iter().map(as_box).collect();
    Group { role, title: title.to_owned(), boxes, arrows: arrows(steps) }
}

/// Most steps need everything above them: an arrow from the last ones says it all.
fn arrows(steps: &[Step]) -> Vec<(usize, usize)> {
    // What each step waits for, through others too.
    let mut behind: Vec<Vec<bool>> = Vec::with_capacity(steps.len());
    let mut arrows = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let mut all = vec![false; steps.len()];
        for need in &step.needs {
            let covered = step.needs.iter().any(|other| other != need && behind[*other][*need]);
            if !covered {
                arrows.push((*need, place));
            }
            all[*need] = true;
            for (earlier, known) in behind[*need].iter().enumerate() {
                all[earlier] |= *known;
            }
        }
        behind.push(all);
    }
    arrows
}

fn as_box(step: &Step) -> Tile {
    let mut groups = Vec::new();
    match &step.body {
        Body::Block { steps, .. } => groups.push(group(Role::Body, "", steps)),
        Body::Switch(arms) => groups.extend(arms.iter().map(|arm| {
            let title = match &arm.condition {
                Some(condition) => format!("if {}", cut(condition.source())),
                None => "else".to_owned(),
            };
            group(Role::Arm, &title, &arm.steps)
        })),
        _ => {}
    }
    if let OnError::Steps(steps) = &step.on_error {
        groups.extend(optional(Role::OnError, "on_error", steps));
    }
    groups.extend(optional(Role::Finally, "finally", &step.finally));
    let mut notes = notes(step);
    if let Some(undo) = &step.compensate {
        if undo.single {
            notes.push(format!("undo {}", undo.steps[0].kind()));
        } else {
            groups.extend(optional(Role::Undo, "undo", &undo.steps));
        }
    }
    Tile { id: step.id.clone(), kind: step.kind().to_owned(), notes, groups }
}

fn notes(step: &Step) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(condition) = &step.condition {
        notes.push(format!("if {}", cut(condition.source())));
    }
    if let Some(foreach) = &step.foreach {
        let at_once =
            if foreach.concurrency > 1 { format!(", {} at once", foreach.concurrency) } else { String::new() };
        let batch = foreach.batch.map(|size| format!(", {size} each")).unwrap_or_default();
        notes.push(format!("for each {} in {}{batch}{at_once}", foreach.name, cut(&shown(&foreach.items))));
    }
    match &step.body {
        Body::Block { at_once: Some(at_once), .. } => notes.push(format!("{at_once} at once")),
        Body::Wait(WaitFor::For(template)) => notes.push(format!("for {}", cut(&shown(template)))),
        Body::Wait(WaitFor::Until(template)) => notes.push(format!("until {}", cut(&shown(template)))),
        Body::WaitForEvent(pattern) => notes.push(format!("event {}", cut(&shown(&pattern.names)))),
        Body::Emit { event, .. } => notes.push(format!("event {}", cut(&shown(event)))),
        Body::Call { workflow, .. } => notes.push(cut(&shown(workflow))),
        _ => {}
    }
    let waits = !matches!(step.body, Body::Work { .. });
    if let Some(timeout) = step.timeout.filter(|_| waits) {
        notes.push(format!("timeout {}", format_duration(timeout)));
    }
    if let Some(expect) = &step.expect {
        notes.push(format!("expect {}", cut(expect.source())));
    }
    if matches!(step.on_error, OnError::Continue) {
        notes.push("on_error continue".to_owned());
    }
    notes
}

fn shown(template: &Template) -> String {
    match template {
        Template::Literal(Value::String(text)) => text.clone(),
        Template::Literal(value) => value.to_string(),
        Template::Hole(expression) => expression.source().trim().to_owned(),
        Template::Text(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Hole(expression) => format!("{{{{ {} }}}}", expression.source().trim()),
            })
            .collect(),
        Template::List(_) => "a list".to_owned(),
        Template::Map(_) => "a map".to_owned(),
    }
}

/// On one line, without what no terminal and no picture should print.
fn cut(text: &str) -> String {
    let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = plain.chars().filter(|letter| !letter.is_control()).collect();
    if plain.chars().count() <= NOTE_MAX { plain } else { plain.chars().take(NOTE_MAX).chain(['…']).collect() }
}
