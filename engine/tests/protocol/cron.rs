//! Cron: one run for each nominal instant, whoever fires; what was missed is caught up once; overlaps are told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{Fired, fire_due};
use sqlx::AssertSqlSafe;

use crate::bed::Bed;
use crate::session::{Session, query, replaced};

const RUNS: &str = "select count(*) from onward.run";
const FIRES: &str = "select count(*) from onward.fire";

/// At a fixed noon, so that no test depends on the day it runs on.
async fn scheduled(schedule: &str) -> Bed {
    let bed = Bed::new().await;
    bed.database.set_clock(noon_of_this_week(&bed).await).await;
    deploy(&bed, schedule).await;
    bed
}

/// There are partitions for the runs of the weeks around the present one only.
async fn noon_of_this_week(bed: &Bed) -> DateTime<Utc> {
    let noon = "select onward.week_of(now()) + interval '2 days 12 hours'";
    sqlx::query_scalar(noon).fetch_one(bed.engine.pool()).await.expect("a noon")
}

async fn deploy(bed: &Bed, schedule: &str) {
    bed.deploy(&format!(
        "version: 1\nname: often\ntriggers:\n  - {{type: cron, config: {{schedule: '{schedule}'}}}}\nsteps:\n  - {{id: a, type: value, config: {{x: 1}}}}\n"
    ))
    .await;
}

async fn next_at(bed: &Bed) -> DateTime<Utc> {
    sqlx::query_scalar("select next_at from onward.trigger where kind = 'cron'")
        .fetch_one(bed.engine.pool())
        .await
        .expect("one trigger")
}

async fn last_fire(bed: &Bed) -> (DateTime<Utc>, String, Option<String>) {
    sqlx::query_as("select nominal_at, result::text, reason from onward.fire order by nominal_at desc limit 1")
        .fetch_one(bed.engine.pool())
        .await
        .expect("something has fired")
}

async fn fire(bed: &Bed) -> (usize, usize) {
    let fired = fire_due(&bed.engine).await.expect("it fires");
    (fired.started, fired.skipped)
}

async fn end_all_runs(bed: &Bed) {
    sqlx::query("delete from onward.job").execute(bed.engine.pool()).await.expect("no run is live");
}

#[tokio::test]
async fn two_processes_that_fire_at_once_make_one_run_for_each_instant() {
    let bed = scheduled("*/5 * * * *").await;
    let other = bed.another_engine().await;
    let mut nominals = vec![next_at(&bed).await];
    for round in 1..=5 {
        bed.database.move_clock(Duration::from_mins(5)).await;
        let (one, two) = tokio::join!(fire_due(&bed.engine), fire_due(&other));
        let (one, two): (Fired, Fired) = (one.expect("it fires"), two.expect("it fires"));
        assert_eq!((one.started + two.started, one.skipped + two.skipped), (1, 0));
        assert_eq!(bed.count(RUNS).await, round);
        assert_eq!(bed.count(FIRES).await, round);
        nominals.push(next_at(&bed).await);
        end_all_runs(&bed).await;
    }
    assert!(nominals.is_sorted_by(|left, right| *right - *left == TimeDelta::minutes(5)), "{nominals:?}");
}

#[tokio::test]
async fn a_process_that_dies_while_firing_leaves_the_instant_to_the_next_one() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    let mut dying = Session::begin(&bed).await;
    let locked = sqlx::query(AssertSqlSafe(query("lock_due_triggers"))).bind(10_i64);
    assert_eq!(locked.fetch_all(dying.connection()).await.expect("it is due").len(), 1);
    assert_eq!(fire(&bed).await, (0, 0), "another process neither waits for it nor fires beside it");
    dying.roll_back().await;

    assert_eq!(fire(&bed).await, (1, 0));
    assert_eq!(fire(&bed).await, (0, 0));
    assert_eq!(bed.count(RUNS).await, 1);
}

#[tokio::test]
async fn without_its_lock_two_processes_would_both_fire_and_the_primary_key_stops_the_second() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    let unlocked = replaced(&query("lock_due_triggers"), "for update of t skip locked", "");
    let (mut one, mut two) = (Session::begin(&bed).await, Session::begin(&bed).await);
    for session in [&mut one, &mut two] {
        let due = sqlx::query(AssertSqlSafe(unlocked.clone())).bind(10_i64);
        assert_eq!(due.fetch_all(session.connection()).await.expect("it is due").len(), 1);
    }
    let nominal = next_at(&bed).await;
    let record = async |session: &mut Session| {
        sqlx::query(AssertSqlSafe(query("insert_fires")))
            .bind(vec!["often"])
            .bind(vec!["cron"])
            .bind(vec![nominal])
            .bind(vec!["started"])
            .bind(vec![bed.engine.new_run_id().0])
            .bind(vec![None::<&str>])
            .bind(vec![1])
            .fetch_all(session.connection())
            .await
            .expect("an answer")
            .len()
    };
    assert_eq!(record(&mut one).await, 1);
    one.commit().await;
    assert_eq!(record(&mut two).await, 0);
}

#[tokio::test]
async fn of_many_missed_instants_only_the_newest_fires() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(3 * 60 + 2)).await;
    let now = bed.now().await;
    assert_eq!(fire(&bed).await, (1, 35));
    let (nominal, result, _) = last_fire(&bed).await;
    assert!(nominal <= now && now - nominal < TimeDelta::minutes(5), "{nominal} is not the newest before {now}");
    assert_eq!((result.as_str(), next_at(&bed).await), ("started", nominal + TimeDelta::minutes(5)));
    assert_eq!((bed.count(RUNS).await, bed.count(FIRES).await), (1, 36));
}

#[tokio::test]
async fn what_was_due_more_than_a_day_ago_is_recorded_and_not_run() {
    let bed = scheduled("0 0 1 1 *").await;
    bed.database.set_clock("2029-01-02T00:00:30Z".parse().expect("an instant")).await;
    let due = "update onward.trigger set nominal_at = '2029-01-01T00:00:00Z', next_at = '2029-01-01T00:00:00Z'
        where kind = 'cron'";
    sqlx::query(due).execute(bed.engine.pool()).await.expect("the trigger has waited");
    assert_eq!(fire(&bed).await, (0, 1));
    let (_, result, reason) = last_fire(&bed).await;
    assert_eq!(result, "skipped");
    assert!(reason.is_some_and(|reason| reason.starts_with("missed")));
    assert_eq!(next_at(&bed).await.to_rfc3339(), "2030-01-01T00:00:00+00:00");
    assert_eq!(bed.count(RUNS).await, 0);
}

#[tokio::test]
async fn a_fire_that_overlaps_a_live_run_is_skipped_with_its_reason() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    assert_eq!(fire(&bed).await, (1, 0));
    bed.database.move_clock(Duration::from_mins(5)).await;
    assert_eq!(fire(&bed).await, (0, 1));
    let (nominal, result, reason) = last_fire(&bed).await;
    assert_eq!(result, "skipped");
    assert!(reason.is_some_and(|reason| reason.starts_with("overlap")));
    assert_eq!(next_at(&bed).await, nominal + TimeDelta::minutes(5));

    end_all_runs(&bed).await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    assert_eq!(fire(&bed).await, (1, 0));
    assert_eq!((bed.count(RUNS).await, bed.count(FIRES).await), (2, 3));
}

#[tokio::test]
async fn a_deploy_moves_a_changed_schedule_and_does_not_swallow_a_fire_of_an_unchanged_one() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    let due = next_at(&bed).await;
    assert!(due <= bed.now().await);
    let again = "version: 1\nname: often\ntriggers:\n  - {type: cron, config: {schedule: '*/5 * * * *'}}\nsteps:\n  - {id: b, type: value, config: {x: 2}}\n";
    bed.deploy(again).await;
    assert_eq!(next_at(&bed).await, due);
    assert_eq!(fire(&bed).await, (1, 0));
    assert_eq!(bed.count("select max(version)::int8 from onward.run").await, 2);

    deploy(&bed, "30 */2 * * *").await;
    let moved = next_at(&bed).await;
    assert!(moved > bed.now().await);
    assert_eq!(moved.format("%M").to_string(), "30");
}

#[tokio::test]
async fn a_deploy_and_a_fire_at_once_take_turns() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    let mut firing = Session::begin(&bed).await;
    let locked = sqlx::query(AssertSqlSafe(query("lock_due_triggers"))).bind(10_i64);
    locked.fetch_all(firing.connection()).await.expect("it is due");
    let due = next_at(&bed).await;
    let deploying = deploy(&bed, "0 3 * * *");
    let ending = async {
        bed.wait_for_blocked(1).await;
        firing.roll_back().await;
    };
    tokio::join!(deploying, ending);
    assert_eq!(fire(&bed).await, (0, 0), "the schedule that was due is not there any more");
    assert!(next_at(&bed).await > due);
}

#[tokio::test]
async fn whether_a_run_goes_on_is_asked_after_the_lock_because_with_it_one_would_not_see_the_newest() {
    let bed = scheduled("*/5 * * * *").await;
    bed.database.move_clock(Duration::from_mins(5)).await;
    let active = "exists (select from onward.job j where j.run_id = t.last_run_id) as active";
    let together = format!("select {active} from onward.trigger t where t.kind = 'cron' for update of t");
    let mut other = Session::begin(&bed).await;
    other.run("select from onward.trigger where kind = 'cron' for update").await;
    let mut late = Session::begin(&bed).await;
    let asking = async {
        let waited = sqlx::query_scalar::<_, bool>(AssertSqlSafe(together)).fetch_one(late.connection()).await;
        let (workflows, ids) = (vec!["often"], vec!["cron"]);
        let later = sqlx::query(AssertSqlSafe(query("read_activity"))).bind(workflows).bind(ids);
        let later = later.fetch_one(late.connection()).await.expect("one trigger");
        (waited.expect("one trigger"), sqlx::Row::get::<bool, _>(&later, "active!"))
    };
    let starting = async {
        bed.wait_for_blocked(1).await;
        let started = bed.start().await;
        other
            .run_on("update onward.trigger set last_run_id = $1 where kind = 'cron'", started.0)
            .await
            .expect("it starts");
        other.commit().await;
    };
    let (asked, ()) = tokio::join!(asking, starting);
    assert_eq!(asked, (false, true));
    late.roll_back().await;
}
