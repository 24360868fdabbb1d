//! Random definitions, nested and with everything that a step can have.

use std::time::Duration;

use onward_workflows::{CallMode, Definition, Expression, Retry, Step};
use serde_json::{Value, json};

use crate::build::{
    Draft, block, call, emit, event, fail, log, no_retry, parallel, raise, ret, switch, value, wait_for, with_ends,
    work,
};

/// Random choices, made before the test; when they are used up the first choice is always taken.
pub struct Tape<'t> {
    pub bytes: std::slice::Iter<'t, u8>,
}

impl Tape<'_> {
    pub fn below(&mut self, bound: usize) -> usize {
        self.bytes.next().map_or(0, |byte| usize::from(*byte)) % bound
    }

    /// Once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Body,
    Item,
    /// In a `finally`, an undo or the document's `on_error`.
    Last,
}

pub struct Author<'a, 't> {
    tape: &'a mut Tape<'t>,
    steps: usize,
}

const STEPS_MAX: usize = 14;

pub fn random_definition(tape: &mut Tape<'_>) -> Definition {
    let mut author = Author { tape, steps: 0 };
    let steps = author.list("s", 3, Place::Body);
    let on_error = if author.tape.one_in(3) { author.list("h", 1, Place::Last) } else { Vec::new() };
    let finally = if author.tape.one_in(3) { author.list("f", 1, Place::Last) } else { Vec::new() };
    let timeout = if author.tape.one_in(8) { Duration::from_secs(6) } else { Duration::from_hours(4_000) };
    Definition { timeout, ..with_ends(steps, on_error, finally) }
}

impl Author<'_, '_> {
    /// `mark` begins the ids: one can tell from a path what it is for.
    fn list(&mut self, mark: &str, depth: usize, place: Place) -> Vec<Draft> {
        self.steps_of(mark, depth, place, false)
    }

    fn steps_of(&mut self, mark: &str, depth: usize, place: Place, parallel: bool) -> Vec<Draft> {
        let count = 1 + self.tape.below(if depth == 3 { 5 } else { 3 });
        let mut above: Vec<String> = Vec::new();
        let mut drafts = Vec::new();
        for _ in 0..count {
            let id = format!("{mark}{}", self.steps);
            self.steps += 1;
            let needs = self.tape.one_in(3).then(|| {
                let needed: Vec<_> = above.iter().filter(|_| self.tape.below(2) == 1).cloned().collect();
                needed
            });
            let waits_for = needs.as_ref().unwrap_or(&above);
            let readable = waits_for.last().filter(|_| needs.is_some() || !parallel).cloned();
            let draft = self.step(&id, depth, place, readable.as_deref());
            drafts.push(match &needs {
                Some(needs) => draft.needs(&needs.iter().map(String::as_str).collect::<Vec<_>>()),
                None => draft,
            });
            above.push(id);
        }
        drafts
    }

    fn step(&mut self, id: &str, depth: usize, place: Place, readable: Option<&str>) -> Draft {
        let config = config(readable);
        let nests = depth > 0 && self.steps < STEPS_MAX;
        let is_loop = nests && self.tape.one_in(6);
        let inner = if is_loop && place == Place::Body { Place::Item } else { place };
        let mark = &id[..1];
        let mut draft = match self.tape.below(if nests { 20 } else { 12 }) {
            0..=4 => work(id, config),
            5 => value(id, config),
            6 => log(id, "line {{ now() }}"),
            7 => wait_for(id, json!(1_000 * self.tape.below(5))),
            8 if inner == Place::Body => ret(id, config),
            8 => emit(id, "ping", "{{ run.id }}", config),
            9 => fail(id, "failed", None),
            10 => event(id, "news", self.tape.one_in(2).then_some("event.data.n > 1"), 5),
            11 if self.tape.one_in(3) => call(id, "other", CallMode::Start),
            11 => {
                let draft = call(id, "other", CallMode::Wait);
                if self.tape.one_in(2) { draft.timeout(4) } else { draft }
            }
            12..=14 => block(id, self.list(mark, depth - 1, inner)),
            15..=17 => {
                let at_once = self.tape.one_in(3).then_some(2);
                parallel(id, at_once, self.steps_of(mark, depth - 1, inner, true))
            }
            _ => {
                let condition =
                    readable.map_or("true".to_owned(), |other| format!("steps.{other}.status == 'succeeded'"));
                let arms = vec![
                    (Some(condition.as_str()), self.list(mark, depth - 1, inner)),
                    (None, self.list(mark, depth - 1, inner)),
                ];
                switch(id, arms)
            }
        };
        if is_loop {
            let items = Value::from((0..self.tape.below(5)).collect::<Vec<_>>());
            let batch = self.tape.one_in(4).then_some(2);
            draft = draft.foreach(items, 1 + self.tape.below(3), batch);
        }
        self.options(draft, id, nests, inner, readable)
    }

    fn options(&mut self, mut draft: Draft, id: &str, nests: bool, place: Place, readable: Option<&str>) -> Draft {
        let mark = &id[..1];
        if let (Some(other), true) = (readable, self.tape.one_in(6)) {
            draft = draft.when(&format!("steps.{other}.status == 'succeeded'"));
        } else if self.tape.one_in(30) {
            draft = draft.when("inputs.absent");
        }
        if self.tape.one_in(3) {
            let jitter = self.tape.one_in(2);
            draft = draft.retry(Retry { max: 2, jitter, delay: Duration::from_secs(2), ..no_retry() });
        }
        match self.tape.below(8) {
            6 => draft = draft.goes_on(),
            7 if nests => {
                let mut steps = self.list(mark, 0, place);
                if self.tape.one_in(4) {
                    self.steps += 1;
                    steps.push(raise(&format!("{mark}{}", self.steps - 1)));
                }
                draft = draft.handled_by(steps);
            }
            _ => {}
        }
        if nests && self.tape.one_in(8) {
            draft = draft.finally(self.list("f", 0, Place::Last));
        }
        if place != Place::Last && self.tape.one_in(3) {
            draft = if self.tape.one_in(4) { draft.undone_by(self.list("u", 0, Place::Last)) } else { draft.undone() };
        }
        if self.tape.one_in(12) {
            draft = draft.gives(json!({"shaped": "{{ output }}"}));
        }
        if self.tape.one_in(16) {
            draft = draft.expects("output is defined");
        }
        let seconds = 1 + self.tape.below(10) as u64;
        let limited = self.tape.one_in(8);
        draft.change(|step| {
            if limited && step.is_container() {
                step.timeout = Some(Duration::from_secs(seconds));
            }
        })
    }
}

fn config(readable: Option<&str>) -> Value {
    match readable {
        Some(other) => {
            json!({"read": format!("{{{{ steps.{other}.output }}}}"), "now": "{{ now() }}", "id": "{{ uuid() }}"})
        }
        None => json!({"now": "{{ now() }}"}),
    }
}

/// What a definition is made of, for people who look at a failure.
pub fn outline(definition: &Definition) -> String {
    fn lines(steps: &[Step], depth: usize, text: &mut String) {
        for step in steps {
            let pad = "  ".repeat(depth);
            let needs: Vec<_> = step.needs.iter().map(|need| steps[*need].id.as_str()).collect();
            let loops = step.foreach.as_ref().map(|foreach| (foreach.concurrency, foreach.batch, &foreach.items));
            let handler = match &step.on_error {
                onward_workflows::OnError::Fail => "",
                onward_workflows::OnError::Continue => "continue",
                onward_workflows::OnError::Steps(_) => "handler",
            };
            let line = format!(
                "{pad}{} {} needs {needs:?} if {:?} retry {} timeout {:?} loop {loops:?} {handler} finally {} undo {:?}\n",
                step.id,
                step.kind(),
                step.condition.as_ref().map(Expression::source),
                step.retry.max,
                step.timeout,
                step.finally.len(),
                step.compensate.as_ref().map(|undo| undo.steps.len()),
            );
            text.push_str(&line);
            for list in step.lists() {
                lines(list, depth + 1, text);
            }
        }
    }
    let mut text = format!("timeout {:?}\n", definition.timeout);
    for (name, steps) in
        [("steps", &definition.steps), ("on_error", &definition.on_error), ("finally", &definition.finally)]
    {
        text.push_str(name);
        text.push_str(":\n");
        lines(steps, 1, &mut text);
    }
    text
}
