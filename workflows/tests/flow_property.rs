//! Random runs: whatever happens, they come to an end, and another process would go on in the same way.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;
#[path = "kit/random.rs"]
mod random;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use drive::{Drive, Manner, ambiguous, definite, retryable, stopped};
use onward_workflows::{
    CheckpointStatus, Definition, Event, Outcome, Past, RunStatus, Step, StepStatus, StepView, WaitKind,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random::{Tape, outline, random_definition};
use serde_json::json;

fn random_run(tape: &mut Tape<'_>) -> Drive {
    let definition = Arc::new(random_definition(tape));
    let now = build::at(0) + Duration::from_millis(3);
    let manner = Manner { ticks: true, routes: tape.one_in(2) };
    drive::begin(definition, build::facts(json!({"given": 1})), Past::default(), now, manner)
}

fn random_outcome(tape: &mut Tape<'_>) -> Outcome {
    match tape.below(12) {
        0..=7 => Outcome::Done(json!({"n": tape.below(100)})),
        8 | 9 => retryable("busy"),
        10 => definite("no"),
        _ => ambiguous("no answer"),
    }
}

/// Another process that starts from what is stored asks for the same and shows the same.
fn assert_resumes(run: &Drive) {
    let again = run.again();
    let view = |drive: &Drive| {
        let mut runs: Vec<_> =
            drive.in_flight.iter().map(|run| (run.path.clone(), run.attempt, run.config.to_string())).collect();
        runs.sort();
        let steps: Vec<_> = drive
            .flow
            .steps()
            .iter()
            .map(|step| (step.path.clone(), shown(drive, step), step.output.clone()))
            .collect();
        (runs, drive.flow.waits(), drive.end.clone(), steps)
    };
    let (found, wanted) = (view(&again), view(run));
    assert!(found == wanted, "resumed: {found:#?}\nlive: {wanted:#?}\n{}", story(run));
}

/// A block or a loop that failed while what encloses it was being given up is canceled to those who come later: which of
/// the two was first is not stored, because attempts that are stopped leave nothing behind. Nothing follows from it.
fn shown(run: &Drive, step: &StepView) -> StepStatus {
    let is_block =
        run.definition.all_steps().iter().any(|known| known.kind() == step.step_type && known.is_container());
    let is_whole = is_block || step.items.is_some() || step.path.ends_with(']');
    if is_whole && step.status == StepStatus::Failed { StepStatus::Canceled } else { step.status }
}

fn story(run: &Drive) -> String {
    let checkpoints: Vec<_> = run
        .checkpoints
        .iter()
        .map(|c| {
            format!("{}#{} {:?} {}", c.path, c.attempt, c.status, (c.finished_at - build::at(0)).num_milliseconds())
        })
        .collect();
    format!("{}{:#?}\n{checkpoints:#?}\ncancel {:?} end {:?}", outline(&run.definition), run.asked, run.cancel, run.end)
}

/// One thing happens: an attempt ends, something arrives, or time passes until something is due.
fn advance(run: &mut Drive, tape: &mut Tape<'_>) {
    run.now += Duration::from_millis(10 + 100 * tape.below(30) as u64);
    let flying = run.in_flight.len();
    if flying > 0 {
        let path = run.in_flight[tape.below(flying)].path.clone();
        run.finish(&path, random_outcome(tape));
        return;
    }
    let waits = run.flow.waits();
    for wait in &waits {
        match &wait.kind {
            WaitKind::Event(_) if tape.one_in(2) => {
                run.deliver("news", json!({"n": tape.below(4)}));
                return;
            }
            // A child comes to an end some time.
            WaitKind::Child(child) if wait.due_at > run.now + Duration::from_hours(100_000) || tape.one_in(2) => {
                let status = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Canceled][tape.below(3)];
                run.end_child(*child, status, (status == RunStatus::Succeeded).then(|| json!("from the child")));
                run.read_again();
                return;
            }
            WaitKind::Routed { .. } => {
                // Another worker is done with it, or had been told to stop.
                let outcome = if tape.one_in(3) { stopped() } else { random_outcome(tape) };
                run.end_routed(&wait.path, outcome);
                run.read_again();
                return;
            }
            _ => {}
        }
    }
    let due_at = waits.first().map(|wait| wait.due_at).into_iter().chain([run.flow.deadline()]).min();
    run.now = due_at.expect("there is a deadline").max(run.now);
    run.apply(Event::Time);
}

/// Paths of steps that are undone when the run fails, and what undoes them.
fn undoable(definition: &Definition) -> Vec<(String, Option<String>)> {
    fn collect(steps: &[Step], found: &mut Vec<(String, Option<String>)>) {
        for step in steps {
            if let (Some(undo), false) = (&step.compensate, step.is_container()) {
                found.push((step.id.clone(), (!undo.single).then(|| undo.steps[0].id.clone())));
            }
            for list in step.lists() {
                collect(list, found);
            }
        }
    }
    let mut found = Vec::new();
    collect(&definition.steps, &mut found);
    found
}

fn id_of(path: &str) -> &str {
    let last = path.rsplit(['.', '/']).next().expect("a path has a last part");
    last.split(['[', '#']).next().expect("an id")
}

/// Its own `finally` has failed a run that was already over: that undoes nothing.
fn failed_at_the_end(run: &Drive) -> bool {
    fn has(steps: &[Step], id: &str) -> bool {
        steps.iter().any(|step| step.id == id || step.lists().any(|list| has(list, id)))
    }
    let error = run.end.as_ref().and_then(|end| end.error.as_ref());
    error.and_then(|error| error.step.as_deref()).is_some_and(|path| has(&run.definition.finally, id_of(path)))
}

/// Every step that has succeeded and could be undone was undone once, or is said not to be.
fn assert_undone(run: &Drive) {
    let end = run.end.as_ref().expect("ended");
    let not_undone: BTreeSet<_> = end.not_undone.iter().cloned().collect();
    let steps = undoable(&run.definition);
    for checkpoint in &run.checkpoints {
        let id = id_of(&checkpoint.path);
        let Some((_, first)) = steps.iter().find(|(known, _)| known == id) else { continue };
        let is_undo = checkpoint.path.ends_with("~undo");
        if checkpoint.status != CheckpointStatus::Succeeded || first.is_some() || is_undo {
            continue;
        }
        let undo = format!("{}~undo", checkpoint.path);
        let over = [CheckpointStatus::Succeeded, CheckpointStatus::Failed];
        let undone = run.checkpoints.iter().filter(|c| c.path == undo && over.contains(&c.status)).count();
        let told = not_undone.contains(&checkpoint.path);
        assert!(undone == 1 || told, "{} was undone {undone} times\n{}", checkpoint.path, story(run));
    }
}

/// What may begin after a cancel: `finally`, undo, and what they are made of.
fn assert_nothing_begins(run: &Drive, from: usize) {
    for asked in &run.asked[from..] {
        let Some((verb @ ("run" | "emit" | "call"), path)) = asked.split_once(' ') else { continue };
        let id = id_of(path);
        assert!(path.contains("~undo") || id.starts_with(['f', 'u']), "{verb} {path}\n{}", story(run));
    }
}

fn go_on_to_the_end(run: &mut Drive, tape: &mut Tape<'_>) {
    for _ in 0..1_000 {
        if run.end.is_some() {
            return;
        }
        advance(run, tape);
    }
    panic!("no end: {}", story(run));
}

fn assert_ended(run: &Drive) {
    let end = run.end.as_ref().expect("ended");
    assert_eq!(end.status == RunStatus::Failed, end.error.is_some());
    let undoes = end.status == RunStatus::Failed || run.cancel.is_some_and(|cancel| cancel.undo);
    if undoes && end.status != RunStatus::Succeeded && !failed_at_the_end(run) {
        assert_undone(run);
    }
    let over = [StepStatus::Succeeded, StepStatus::Failed, StepStatus::Skipped, StepStatus::Canceled];
    // What was given up for want of time is seen at work.
    if run.now < build::at(8 * 24 * 3_600) && run.cancel.is_none() {
        for step in run.flow.steps() {
            assert!(over.contains(&step.status), "{step:?}\n{}", story(run));
        }
    }
}

/// The same runs each time, so that a failure comes from a change; with `PROPTEST_CASES` as many others as it says.
fn config() -> ProptestConfig {
    let given = ProptestConfig { failure_persistence: None, max_shrink_time: 20_000, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return given;
    }
    ProptestConfig { cases: 800, rng_seed: RngSeed::Fixed(20_261_124), ..given }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_run_ends_and_resumes_from_each_of_its_checkpoints(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut tape = Tape { bytes: bytes.iter() };
        let mut run = random_run(&mut tape);
        for _ in 0..300 {
            assert_resumes(&run);
            if run.end.is_some() {
                break;
            }
            advance(&mut run, &mut tape);
        }
        go_on_to_the_end(&mut run, &mut tape);
        assert_ended(&run);
        // However little of it is known, the run ends, and what is known does not happen again.
        for known in 0..run.checkpoints.len() {
            let checkpoints = run.checkpoints[..known].to_vec();
            let past = Past { checkpoints, ..run.past() };
            let mut again = drive::begin(run.definition.clone(), run.facts.clone(), past, run.now, run.manner);
            if known % 8 == 7 {
                go_on_to_the_end(&mut again, &mut tape);
                assert_ended(&again);
            }
        }
    }

    /// Whatever the order in which checkpoints are stored, and wherever the process is lost.
    #[test]
    fn the_order_of_commits_does_not_change_the_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut tape = Tape { bytes: bytes.iter() };
        let mut run = random_run(&mut tape);
        run.held = Some(Vec::new());
        for _ in 0..1_000 {
            if run.end.is_some() {
                break;
            }
            let held = run.held.as_mut().expect("held up for the whole test");
            if held.is_empty() {
                assert_resumes(&run);
                advance(&mut run, &mut tape);
            } else if tape.one_in(12) {
                run.read_again();
            } else if run.in_flight.is_empty() || tape.below(3) == 0 {
                let checkpoint = held.remove(tape.below(held.len()));
                run.store(checkpoint);
            } else {
                advance(&mut run, &mut tape);
            }
        }
        prop_assert!(run.end.is_some());
        assert_resumes(&run);
        assert_ended(&run);
    }

    #[test]
    fn nothing_begins_after_a_cancel(bytes in prop::collection::vec(any::<u8>(), 0..300), undo: bool, stops: bool) {
        let mut tape = Tape { bytes: bytes.iter() };
        let before = tape.below(20);
        let mut run = random_run(&mut tape);
        run.finishes_abandoned = !stops;
        for _ in 0..before {
            if run.end.is_none() {
                advance(&mut run, &mut tape);
            }
        }
        if run.end.is_none() {
            run.now += Duration::from_millis(5);
            let from = run.asked.len();
            run.cancel(undo);
            if stops {
                assert_resumes(&run);
            }
            for _ in 0..1_000 {
                if run.end.is_some() {
                    break;
                }
                advance(&mut run, &mut tape);
                if stops {
                    assert_resumes(&run);
                }
            }
            prop_assert!(run.end.is_some(), "{}", story(&run));
            assert_nothing_begins(&run, from);
        }
        assert_ended(&run);
    }
}
