//! What people do with schedules: pauses with and without an end, and runs for instants that have gone by.

use chrono::{DateTime, TimeDelta, Utc};
use onward_engine::{Backfill, ScheduleError, backfill, list_schedules, next_fires, pause, resume};

use crate::often::{LIVE, RUNS, WAITING, document, end_all_runs, fire, id, often, pass, recorded, started};

#[tokio::test]
async fn a_paused_schedule_records_its_instants_and_a_deploy_does_not_wake_it() {
    let bed = often("schedule: '*/5 * * * *', overlap: queue, catch_up: all").await;
    for _ in 0..2 {
        pass(&bed, 5).await;
        fire(&bed).await;
    }
    let paused = pause(&bed.engine, &id("often"), None).await.expect("it is paused");
    assert_eq!((paused.id, paused.skipped), (id("often:cron"), 1), "what waited does not start either");
    end_all_runs(&bed).await;
    bed.deploy(&document("schedule: '*/5 * * * *'", true)).await;
    let listed = list_schedules(&bed.engine, None).await.expect("the schedules are read").remove(0);
    assert!(listed.paused && listed.enabled && listed.next_at.is_some(), "{listed:?}");
    assert_eq!(next_fires(&bed.engine, None, 3).await.expect("the schedules are read").fires, []);
    pass(&bed, 5).await;
    assert_eq!(fire(&bed).await, (0, 1, 0));
    pass(&bed, 15).await;
    resume(&bed.engine, &id("often:cron")).await.expect("it is resumed");
    assert_eq!(fire(&bed).await, (0, 3, 0), "the pause is not caught up");
    pass(&bed, 5).await;
    assert_eq!(fire(&bed).await, (1, 0, 0));
    assert_eq!(started(&bed).await, [5, 35]);
    let paused = "skipped paused: the trigger was paused at this time 4 4";
    let waited = "skipped paused: the trigger was paused while this instant waited 1 1";
    assert_eq!(recorded(&bed).await, [paused, waited, "started 2 2"]);
}

#[tokio::test]
async fn a_pause_with_an_end_ends_by_itself() {
    let bed = often("schedule: '*/5 * * * *', catch_up: all, overlap: allow").await;
    let until = bed.now().await + TimeDelta::minutes(12);
    pause(&bed.engine, &id("often"), Some(until)).await.expect("it is paused");
    let coming = next_fires(&bed.engine, None, 1).await.expect("the schedules are read").fires;
    assert!(coming[0].at >= until && coming[0].at - until < TimeDelta::minutes(5), "{coming:?}");
    pass(&bed, 21).await;
    assert_eq!(fire(&bed).await, (2, 2, 0));
    assert_eq!(started(&bed).await, [15, 20]);
    assert!(!list_schedules(&bed.engine, None).await.expect("the schedules are read")[0].paused);
    let past = pause(&bed.engine, &id("often"), Some(until)).await.expect_err("that has been");
    assert!(matches!(past, ScheduleError::PauseEnds), "{past:?}");
}

#[tokio::test]
async fn a_name_must_mean_one_schedule() {
    let bed = often("schedule: '@daily'").await;
    bed.deploy("version: 1\nname: both\ntriggers:\n  - {type: cron, config: {schedule: '@daily'}}\n  - {type: cron, config: {schedule: '@hourly'}}\nsteps:\n  - {id: a, type: value, config: {x: 1}}\n").await;
    let error = pause(&bed.engine, &id("both"), None).await.expect_err("there are two");
    assert_eq!(error.to_string(), "`both` has several cron triggers; name one: both:cron, both:cron-2");
    resume(&bed.engine, &id("both:cron-2")).await.expect("there is one");
    for unknown in ["often:webhook", "nothing", "plain"] {
        let error = pause(&bed.engine, &id(unknown), None).await.expect_err("there is none");
        assert!(matches!(error, ScheduleError::NotFound(_)), "{unknown}: {error:?}");
    }
}

fn wish(from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> Backfill {
    Backfill { from, to, at_once: false, dry_run: false }
}

#[tokio::test]
async fn a_backfill_runs_what_has_not_run_one_after_the_other_even_in_a_pause() {
    let bed = often("schedule: '*/10 * * * *', catch_up: none").await;
    let noon = bed.now().await;
    pass(&bed, 10).await;
    assert_eq!(fire(&bed).await, (1, 0, 0));
    pass(&bed, 35).await;
    assert_eq!(fire(&bed).await, (0, 3, 0));
    pause(&bed.engine, &id("often"), None).await.expect("it is paused");

    let from = noon - TimeDelta::minutes(15);
    let counted = Backfill { dry_run: true, ..wish(from, None) };
    let counted = backfill(&bed.engine, &id("often"), counted).await.expect("they are counted");
    assert_eq!((counted.count, counted.known), (5, 1));
    assert_eq!((bed.count(RUNS).await, bed.count(WAITING).await), (1, 0));
    let done = backfill(&bed.engine, &id("often"), wish(from, None)).await.expect("it begins");
    assert_eq!((done.count, done.known), (5, 1));
    let again = backfill(&bed.engine, &id("often"), wish(from, None)).await.expect("nothing is left");
    assert_eq!((again.count, again.known), (0, 6));
    for _ in 0..5 {
        assert_eq!(fire(&bed).await.0, 0, "the run before it goes on");
        end_all_runs(&bed).await;
        assert_eq!(fire(&bed).await.0, 1);
    }
    assert_eq!(started(&bed).await, [10, -10, 0, 20, 30, 40]);
    assert_eq!(bed.count("select count(*) from onward.fire where backfill").await, 5);
}

#[tokio::test]
async fn a_backfill_at_once_starts_everything_and_hinders_no_fire() {
    let bed = often("schedule: '*/10 * * * *'").await;
    let noon = bed.now().await;
    let all = Backfill { at_once: true, ..wish(noon - TimeDelta::hours(2), Some(noon)) };
    let done = backfill(&bed.engine, &id("often"), all).await.expect("it begins");
    assert_eq!((done.count, bed.count(LIVE).await), (12, 12));
    pass(&bed, 10).await;
    assert_eq!(fire(&bed).await, (1, 0, 0));
}

#[tokio::test]
async fn a_backfill_is_bounded_and_never_takes_what_is_to_come() {
    let bed = often("schedule: '* * * * *', jitter: 50s").await;
    let (now, own) = (bed.now().await, id("often"));
    let refused = async |wish: Backfill| backfill(&bed.engine, &own, wish).await.expect_err("it is refused");
    assert!(matches!(refused(wish(now, Some(now))).await, ScheduleError::Range));
    assert!(matches!(refused(wish(now, Some(now + TimeDelta::hours(1)))).await, ScheduleError::Range));
    assert!(matches!(refused(wish(now - TimeDelta::days(9), None)).await, ScheduleError::TooMany));
    // A minute that has come and that its jitter still holds back is the trigger's own.
    let counted = Backfill { dry_run: true, ..wish(now, None) };
    pass(&bed, 1).await;
    let counted = backfill(&bed.engine, &own, counted).await.expect("they are counted");
    assert_eq!(counted.count, 0);
    bed.deploy(&document("schedule: '* * * * *'", false)).await;
    assert!(matches!(refused(wish(now - TimeDelta::hours(1), None)).await, ScheduleError::Disabled));
}
