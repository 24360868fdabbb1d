//! Random runs: whatever happens, they come to an end, and another process would go on in the same way.

#[path = "kit/build.rs"]
mod build;
#[path = "kit/drive.rs"]
mod drive;

use std::time::Duration;

use build::{Draft, fail, log, no_retry, ret, value, wait_for, with_on_error, work};
use drive::{Drive, ambiguous, definite, drive, retryable};
use onward_workflows::{Definition, Outcome, Retry, RunStatus, StepStatus};
use proptest::prelude::*;
use serde_json::json;

const IDS: [&str; 9] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// Random choices, made before the test; when they are used up the first choice is always taken.
struct Tape<'t> {
    bytes: std::slice::Iter<'t, u8>,
}

impl Tape<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.bytes.next().map_or(0, |byte| usize::from(*byte)) % bound
    }

    fn often(&mut self) -> bool {
        self.below(4) != 0
    }
}

fn random_step(tape: &mut Tape<'_>, index: usize) -> Draft {
    let id = IDS[index];
    let needs: Option<Vec<&'static str>> =
        tape.often().then(|| IDS[..index].iter().copied().filter(|_| tape.often()).collect());
    let readable = needs.as_ref().map_or(IDS[..index].last(), |needs| needs.last()).copied();
    let config = match readable {
        Some(other) => {
            json!({"read": format!("{{{{ steps.{other}.output }}}}"), "now": "{{ now() }}", "id": "{{ uuid() }}"})
        }
        None => json!({"now": "{{ now() }}"}),
    };
    let mut step = match tape.below(10) {
        0..=4 => work(id, config),
        5 => value(id, config),
        6 => log(id, "line {{ now() }}"),
        7 => wait_for(id, json!(1_000 * tape.below(5))),
        8 => ret(id, config),
        _ => fail(id, "failed", None),
    };
    if let (Some(other), false) = (readable, tape.often()) {
        step = step.when(&format!("steps.{other}.status == 'succeeded'"));
    } else if tape.below(6) == 5 {
        step = step.when("inputs.absent");
    }
    if tape.often() {
        step = step.retry(Retry { max: 2, jitter: tape.often(), delay: Duration::from_secs(5), ..no_retry() });
    }
    if !tape.often() {
        step = step.goes_on();
    }
    match needs {
        Some(needs) => step.needs(&needs),
        None => step,
    }
}

fn random_definition(tape: &mut Tape<'_>) -> Definition {
    let count = 1 + tape.below(6);
    let steps = (0..count).map(|index| random_step(tape, index)).collect();
    let handler = work("tell", json!({"error": "{{ error.message }}", "all": "{{ run.status }}"}));
    let definition = with_on_error(steps, if tape.often() { vec![handler] } else { vec![] });
    let timeout = if tape.often() { Duration::from_hours(2_000) } else { Duration::from_secs(6) };
    Definition { timeout, ..definition }
}

fn random_outcome(tape: &mut Tape<'_>) -> Outcome {
    match tape.below(8) {
        0..=3 => Outcome::Done(json!({"n": tape.below(100)})),
        4 | 5 => retryable("busy"),
        6 => definite("no"),
        _ => ambiguous("no answer"),
    }
}

/// Another process that starts from what is stored asks for the same.
fn assert_resumes(run: &Drive) {
    let again = run.again();
    let view = |drive: &Drive| {
        let mut runs: Vec<_> =
            drive.in_flight.iter().map(|run| (run.path.clone(), run.attempt, run.config.to_string())).collect();
        runs.sort();
        let steps: Vec<_> = drive.flow.steps().iter().map(|s| (s.path.clone(), s.status, s.output.clone())).collect();
        (runs, drive.flow.waits(), drive.end.clone(), steps)
    };
    assert_eq!(view(&again), view(run), "checkpoints: {:#?}", run.checkpoints);
}

/// One thing happens: an attempt ends, or time passes until something is due.
fn advance(run: &mut Drive, tape: &mut Tape<'_>) {
    run.now += Duration::from_millis(10 + 100 * tape.below(30) as u64);
    let flying = run.in_flight.len();
    if flying > 0 {
        let path = run.in_flight[tape.below(flying)].path.clone();
        run.finish(&path, random_outcome(tape));
        return;
    }
    let deadline = run.flow.deadline();
    let due_at = run.flow.waits().first().expect("a run without an attempt in flight waits for something").due_at;
    // A run in `on_error` is past its deadline and has its own waits.
    run.now = if deadline > run.now { due_at.min(deadline) } else { due_at }.max(run.now);
    run.apply(onward_workflows::Event::Time);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_and_resumes_from_each_of_its_checkpoints(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut tape = Tape { bytes: bytes.iter() };
        let mut run = drive(random_definition(&mut tape), json!({"given": 1}));
        for _ in 0..200 {
            assert_resumes(&run);
            if run.end.is_some() {
                break;
            }
            advance(&mut run, &mut tape);
        }
        let end = run.end.clone().expect("the run ended");
        prop_assert!(matches!(end.status, RunStatus::Succeeded | RunStatus::Failed));
        prop_assert_eq!(end.status == RunStatus::Failed, end.error.is_some());
        for step in run.flow.steps() {
            let over = [StepStatus::Succeeded, StepStatus::Failed, StepStatus::Skipped, StepStatus::Canceled];
            prop_assert!(over.contains(&step.status), "{:?}", step);
        }
    }

    /// Checkpoints are stored in batches, and a batch has no order that matters.
    #[test]
    fn the_order_of_commits_does_not_change_the_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut tape = Tape { bytes: bytes.iter() };
        let mut run = drive(random_definition(&mut tape), json!({"given": 1}));
        run.held = Some(Vec::new());
        for _ in 0..400 {
            if run.end.is_some() {
                break;
            }
            let held = run.held.as_mut().expect("held up for the whole test");
            if !held.is_empty() && (run.in_flight.is_empty() || tape.below(3) == 0) {
                let checkpoint = held.remove(tape.below(held.len()));
                run.store(checkpoint);
            } else {
                advance(&mut run, &mut tape);
            }
        }
        prop_assert!(run.end.is_some());
        assert_resumes(&run);
    }
}
