use onward_workflows::Earlier;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().expect("an instant")
}

/// Instants so many minutes ago, without jitter.
fn due(minutes: &[i64]) -> Due {
    let planned = |minutes: &i64| {
        let at = now() - TimeDelta::minutes(*minutes);
        Planned { nominal_at: at, due_at: at }
    };
    Due { newest: minutes.iter().map(planned).collect(), earlier: None, next: None }
}

fn rules(overlap: Overlap, catch_up: CatchUp) -> CronRules {
    CronRules { overlap, catch_up, ..CronRules::default() }
}

/// The beginnings of what became of each instant.
fn check(rules: &CronRules, active: bool, waiting: usize, minutes: &[i64], expected: &[&str]) {
    let situation = Situation { rules, now: now(), pause: None, active, waiting };
    let decision = decide(&situation, &due(minutes));
    let found: Vec<&str> = decision.fires.iter().map(|(_, verdict)| word(verdict)).collect();
    assert_eq!(found, expected, "{rules:?} {active} {waiting} {minutes:?}");
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Start => "start",
        Verdict::Wait => "wait",
        Verdict::Skip(reason) if *reason == NEWER => "newer",
        Verdict::Skip(reason) if *reason == TOO_OLD => "old",
        Verdict::Skip(reason) if *reason == NOT_CAUGHT_UP => "late",
        Verdict::Skip(reason) if *reason == ACTIVE => "active",
        Verdict::Skip(reason) if *reason == QUEUED => "queued",
        Verdict::Skip(reason) if *reason == REPLACED => "replaced",
        Verdict::Skip(reason) if *reason == LINE_FULL => "full",
        Verdict::Skip(reason) => reason,
    }
}

#[test]
fn of_what_was_missed_the_newest_all_or_none_runs() {
    use CatchUp::{All, Latest, None};
    use Overlap::Allow;
    check(&rules(Allow, Latest), false, 0, &[30, 20, 10], &["newer", "newer", "start"]);
    check(&rules(Allow, Latest), false, 0, &[3000, 2000], &["newer", "old"]);
    check(&rules(Allow, All), false, 0, &[3000, 20, 0], &["old", "start", "start"]);
    check(&rules(Allow, None), false, 0, &[30, 20, 10], &["late", "late", "late"]);
    check(&rules(Allow, None), false, 0, &[30, 1, 0], &["late", "newer", "start"]);
    check(&rules(Allow, None), false, 0, &[30, 1], &["late", "start"]);
}

#[test]
fn what_overlaps_is_skipped_queued_replaced_or_allowed() {
    use CatchUp::Latest;
    check(&rules(Overlap::Skip, Latest), true, 0, &[0], &["active"]);
    check(&rules(Overlap::Queue, Latest), false, 0, &[0], &["start"]);
    check(&rules(Overlap::Queue, Latest), true, 0, &[0], &["wait"]);
    check(&rules(Overlap::Queue, Latest), true, 1, &[0], &["queued"]);
    check(&rules(Overlap::Queue, Latest), false, 1, &[0], &["queued"]);
    check(&rules(Overlap::Replace, Latest), false, 0, &[0], &["start"]);
    check(&rules(Overlap::Replace, Latest), true, 0, &[0], &["wait"]);
    check(&rules(Overlap::Replace, Latest), true, 1, &[0], &["wait"]);
    check(&rules(Overlap::Allow, Latest), true, 0, &[0], &["start"]);
    let rules = rules(Overlap::Replace, Latest);
    let situation = Situation { rules: &rules, now: now(), pause: None, active: true, waiting: 0 };
    assert!(decide(&situation, &due(&[0])).replaces);
    assert!(!decide(&situation, &due(&[3000])).replaces, "what does not run replaces nothing");
}

#[test]
fn all_that_were_missed_take_turns_unless_they_may_run_together() {
    use CatchUp::All;
    check(&rules(Overlap::Skip, All), false, 0, &[30, 20, 10, 0], &["start", "wait", "wait", "active"]);
    check(&rules(Overlap::Skip, All), true, 99, &[30, 20], &["wait", "full"]);
    check(&rules(Overlap::Queue, All), false, 0, &[30, 20, 0], &["start", "wait", "queued"]);
    check(&rules(Overlap::Replace, All), true, 0, &[30, 20, 10], &["replaced", "replaced", "wait"]);
    check(&rules(Overlap::Replace, All), false, 1, &[30, 20, 10], &["replaced", "replaced", "start"]);
}

#[test]
fn a_pause_is_told_and_ends_where_it_ends() {
    let rules = rules(Overlap::Allow, CatchUp::All);
    let until = now() - TimeDelta::minutes(15);
    let situation =
        Situation { rules: &rules, now: now(), pause: Some(Pause { until: Some(until) }), active: false, waiting: 0 };
    let verdicts = |situation: &Situation<'_>| {
        let decision = decide(situation, &due(&[30, 15, 10]));
        decision.fires.into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&situation), [Verdict::Skip(PAUSED), Verdict::Start, Verdict::Start]);
    let open = Situation { pause: Some(Pause { until: None }), ..situation };
    assert_eq!(verdicts(&open), [Verdict::Skip(PAUSED); 3]);
}

#[test]
fn one_row_tells_of_everything_before() {
    let rules = CronRules::default();
    let situation = Situation { rules: &rules, now: now(), pause: None, active: false, waiting: 0 };
    let first = now() - TimeDelta::days(9);
    let told = |count, is_exact| {
        let due = Due { earlier: Some(Earlier { first, count, is_exact }), ..due(&[0]) };
        decide(&situation, &due).earlier.expect("there were some").2
    };
    assert_eq!(told(44, true), "missed: a newer instant was due as well; 44 instants in a row");
    assert_eq!(told(1_000, false), "missed: a newer instant was due as well; at least 1000 instants in a row");
}
