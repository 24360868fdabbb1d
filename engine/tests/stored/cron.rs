//! Schedules over fifty instants, under two processes, and those that must not fire at all.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{DeployOptions, Expect, deploy, fire_due};
use onward_workflows::Source;

use crate::bed::{Bed, engine_on};
use crate::wire::Wire;

const RUNS: &str = "select count(*) from onward.run";
const FIRES: &str = "select count(*) from onward.fire";
const INSTANTS: usize = 50;

fn document(name: &str, enabled: bool, trigger_enabled: bool, step: u32) -> String {
    format!(
        "version: 1\nname: {name}\nenabled: {enabled}\ntriggers:\n  - {{type: cron, enabled: {trigger_enabled}, config: {{schedule: '*/5 * * * *'}}}}\nsteps:\n  - {{id: a, type: value, config: {{x: {step}}}}}\n"
    )
}

/// In the middle of this week, for which there are partitions, and at the beginning of an hour.
async fn at_noon() -> Bed {
    let bed = Bed::new().await;
    let noon = "select onward.week_of(now()) + interval '2 days 12 hours'";
    let noon: DateTime<Utc> = sqlx::query_scalar(noon).fetch_one(bed.engine.pool()).await.expect("a noon");
    bed.database.set_clock(noon).await;
    bed
}

async fn next_at(bed: &Bed, workflow: &str) -> Option<DateTime<Utc>> {
    sqlx::query_scalar("select next_at from onward.trigger where workflow = $1 and kind = 'cron'")
        .bind(workflow)
        .fetch_one(bed.engine.pool())
        .await
        .expect("one trigger")
}

async fn fire(bed: &Bed) -> (usize, usize) {
    let fired = fire_due(&bed.engine).await.expect("it fires");
    (fired.started, fired.skipped)
}

async fn change(bed: &Bed, sql: &'static str) {
    sqlx::query(sql).execute(bed.engine.pool()).await.expect("change rows");
}

#[tokio::test]
async fn fifty_instants_under_two_processes_are_fifty_runs_five_minutes_apart() {
    let bed = at_noon().await;
    let other = bed.another_engine().await;
    bed.deploy(&document("often", true, true, 1)).await;
    let mut expected = next_at(&bed, "often").await.expect("it is scheduled");
    for _ in 0..INSTANTS {
        bed.database.move_clock(Duration::from_mins(5)).await;
        let (one, two) = tokio::join!(fire_due(&bed.engine), fire_due(&other));
        let started = one.expect("it fires").started + two.expect("it fires").started;
        assert_eq!(started, 1);
        expected += TimeDelta::minutes(5);
        assert_eq!(next_at(&bed, "often").await, Some(expected));
        change(&bed, "delete from onward.job").await;
    }
    let instants = i64::try_from(INSTANTS).expect("few");
    assert_eq!((bed.count(RUNS).await, bed.count(FIRES).await), (instants, instants));
    let each =
        "select count(*) from onward.run r join onward.fire f on f.run_id = r.id and f.nominal_at = r.scheduled_at";
    assert_eq!(bed.count(each).await, instants, "each run knows its instant");
}

#[tokio::test]
async fn a_fire_whose_commit_was_not_answered_is_not_repeated() {
    let bed = at_noon().await;
    bed.deploy(&document("often", true, true, 1)).await;
    let wire = Wire::to(bed.database.options()).await;
    let engine = engine_on(wire.options()).await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    wire.lose_answer_to("COMMIT");
    assert!(fire_due(&engine).await.is_err(), "nobody knows");
    assert!(wire.has_lost_it());
    assert_eq!(fire(&bed).await, (0, 0));
    assert_eq!((bed.count(RUNS).await, bed.count(FIRES).await), (1, 1));
    assert_eq!(bed.count("select count(*) from onward.job").await, 1, "and it will be carried");
}

#[tokio::test]
async fn a_trigger_or_a_workflow_that_is_switched_off_does_not_fire_and_does_not_catch_up_later() {
    for (enabled, trigger_enabled) in [(true, false), (false, true)] {
        let bed = at_noon().await;
        bed.deploy(&document("often", true, true, 1)).await;
        bed.database.move_clock(Duration::from_mins(5)).await;
        // It is due at this very moment, and nobody has come to fire it.
        bed.deploy(&document("often", enabled, trigger_enabled, 1)).await;
        assert_eq!(next_at(&bed, "often").await, None);
        assert_eq!(fire(&bed).await, (0, 0));

        bed.database.move_clock(Duration::from_hours(3)).await;
        bed.deploy(&document("often", true, true, 1)).await;
        assert!(next_at(&bed, "often").await > Some(bed.now().await));
        assert_eq!(fire(&bed).await, (0, 0));
        bed.database.move_clock(Duration::from_mins(5)).await;
        assert_eq!(fire(&bed).await, (1, 0));
        assert_eq!((bed.count(RUNS).await, bed.count(FIRES).await), (1, 1));
    }
}

#[tokio::test]
async fn a_pruned_workflow_does_not_fire_although_it_was_due() {
    let bed = at_noon().await;
    bed.deploy(&document("often", true, true, 1)).await;
    bed.deploy(&document("other", true, true, 1)).await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    let options = DeployOptions { dry_run: false, prune: true, by: "test".to_owned(), expect: Expect::Anything };
    let kept = Source::from_file("other.yaml", document("other", true, true, 1));
    deploy(&bed.engine, vec![kept], &options).await.expect("it is valid");
    assert_eq!(fire(&bed).await, (1, 0), "an unchanged neighbour keeps its place");
    assert_eq!(bed.count("select count(*) from onward.run where workflow = 'other'").await, 1);
    assert_eq!(bed.count("select count(*) from onward.trigger where workflow = 'often'").await, 0);
}

#[tokio::test]
async fn a_version_that_this_binary_cannot_read_is_skipped_with_its_reason_and_holds_up_nobody() {
    let bed = at_noon().await;
    bed.deploy(&document("foreign", true, true, 1)).await;
    bed.deploy(&document("often", true, true, 1)).await;
    let before = next_at(&bed, "foreign").await.expect("it is scheduled");
    change(&bed, "update onward.workflow_version set document = '{' where workflow = 'foreign'").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    assert_eq!(fire(&bed).await, (1, 1));
    let (workflow, reason): (String, String) =
        sqlx::query_as("select workflow, reason from onward.fire where result = 'skipped'")
            .fetch_one(bed.engine.pool())
            .await
            .expect("one was skipped");
    assert_eq!(workflow, "foreign");
    assert!(reason.contains("foreign"), "{reason}");
    assert_eq!(next_at(&bed, "foreign").await, Some(before + TimeDelta::minutes(5)), "it is tried again");
    assert_eq!(bed.count("select count(*) from onward.run where workflow = 'often'").await, 1);
}
