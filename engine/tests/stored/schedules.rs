//! What becomes of every instant of a schedule: started, skipped with a reason, or waiting for the end of a run.

use chrono::TimeDelta;
use onward_engine::{EndRow, RunWrite, Then, fire_due, list_schedules, next_fires};
use onward_workflows::{End, RunId, RunStatus};

use crate::bed::{Bed, engine_on};
use crate::often::{
    LIVE, RUNS, WAITING, change, document, end_all_runs, fire, fire_on, often, pass, recorded, started,
};
use crate::wire::Wire;

async fn only_run(bed: &Bed) -> RunId {
    RunId(sqlx::query_scalar("select run_id from onward.job").fetch_one(bed.engine.pool()).await.expect("one live run"))
}

#[tokio::test]
async fn a_fire_comes_later_than_its_instant_by_its_jitter_and_never_sooner() {
    let bed = often("schedule: '0 * * * *', jitter: 30m").await;
    let coming = next_fires(&bed.engine, None, 3).await.expect("the schedules are read").fires;
    let delays: Vec<TimeDelta> = coming.iter().map(|fire| fire.at - fire.nominal_at).collect();
    assert!(delays.iter().all(|delay| (TimeDelta::zero()..TimeDelta::minutes(30)).contains(delay)), "{delays:?}");
    assert!(delays.iter().any(|delay| *delay > TimeDelta::seconds(2)), "{delays:?}");
    for fire_time in coming {
        bed.database.set_clock(fire_time.at - TimeDelta::seconds(1)).await;
        assert_eq!(fire(&bed).await, (0, 0, 0));
        bed.database.set_clock(fire_time.at).await;
        assert_eq!(fire(&bed).await, (1, 0, 0));
        end_all_runs(&bed).await;
    }
    assert_eq!(started(&bed).await, [60, 120, 180], "a run is told its instant");
}

#[tokio::test]
async fn a_deploy_that_changes_the_jitter_keeps_the_instant_and_one_that_changes_a_bound_does_not() {
    let bed = often("schedule: '0 * * * *'").await;
    let next = async || {
        let row = list_schedules(&bed.engine, None).await.expect("the schedules are read").remove(0);
        (row.nominal_at.expect("it will fire"), row.next_at.expect("it will fire"))
    };
    let (nominal, due) = next().await;
    assert_eq!(nominal, due);
    pass(&bed, 61).await;
    bed.deploy(&document("schedule: '0 * * * *', jitter: 50m", true)).await;
    let later = next().await;
    assert!(later.0 == nominal && later.1 > due, "the instant that is due is not lost");
    bed.deploy(&document("schedule: '0 * * * *', starts_at: '2020-01-01T00:00:00Z'", true)).await;
    assert_eq!(next().await.0, nominal + TimeDelta::hours(1));
    bed.deploy(&document("schedule: '0 * * * *', ends_at: '2020-01-01T00:00:00Z'", true)).await;
    let row = list_schedules(&bed.engine, None).await.expect("the schedules are read").remove(0);
    assert_eq!((row.nominal_at, row.next_at), (None, None));
}

#[tokio::test]
async fn after_a_long_time_the_newest_runs_and_a_hundred_rows_tell_of_all_the_others() {
    let bed = often("schedule: '@every 10s'").await;
    pass(&bed, 10 * 60).await;
    assert_eq!(fire(&bed).await, (1, 3_599, 0));
    let rows = recorded(&bed).await;
    assert_eq!(rows, ["skipped missed: a newer instant was due as well 100 3599", "started 1 1"]);
    let told: String = sqlx::query_scalar("select reason from onward.fire where instants > 1")
        .fetch_one(bed.engine.pool())
        .await
        .expect("one row tells of many");
    assert!(told.ends_with("; 3500 instants in a row"), "{told}");
    assert_eq!(bed.count(RUNS).await, 1);
}

#[tokio::test]
async fn nothing_is_caught_up_where_the_document_says_so_and_what_is_on_time_still_fires() {
    let bed = often("schedule: '*/5 * * * *', catch_up: none").await;
    pass(&bed, 22).await;
    assert_eq!(fire(&bed).await, (0, 4, 0));
    pass(&bed, 3).await;
    assert_eq!(fire(&bed).await, (1, 0, 0));
    assert_eq!(started(&bed).await, [25]);
    let reason = "skipped missed: nobody fired in time, and the trigger catches nothing up 4 4";
    assert_eq!(recorded(&bed).await, [reason, "started 1 1"]);
}

#[tokio::test]
async fn all_that_was_missed_inside_the_window_runs_one_after_the_other() {
    let bed = often("schedule: '*/10 * * * *', catch_up: all, catch_up_window: 1h").await;
    pass(&bed, 94).await;
    assert_eq!(fire(&bed).await, (1, 3, 5));
    for left in (0..5).rev() {
        assert_eq!(fire(&bed).await, (0, 0, 0), "the run before it goes on");
        end_all_runs(&bed).await;
        assert_eq!(fire(&bed).await, (1, 0, 0));
        assert_eq!(bed.count(WAITING).await, left);
    }
    assert_eq!(started(&bed).await, [40, 50, 60, 70, 80, 90]);
    let old = "skipped missed: it was due longer ago than the catch-up window 3 3";
    assert_eq!(recorded(&bed).await, [old, "started 6 6"]);
}

#[tokio::test]
async fn no_more_than_a_hundred_are_caught_up() {
    let bed = often("schedule: '* * * * *', catch_up: all, overlap: allow").await;
    pass(&bed, 150).await;
    assert_eq!(fire(&bed).await, (100, 50, 0));
    assert_eq!(bed.count(LIVE).await, 100);
    let many = "skipped missed: no more than 100 instants are caught up 1 50";
    assert_eq!(recorded(&bed).await, [many, "started 100 100"]);
    assert_eq!(started(&bed).await.iter().min(), Some(&51), "the newest of them");
}

#[tokio::test]
async fn one_fire_queues_for_the_end_of_the_run_before_it_and_newer_ones_are_skipped() {
    let bed = often("schedule: '*/5 * * * *', overlap: queue").await;
    let other = bed.another_engine().await;
    for expected in [(1, 0, 0), (0, 0, 1), (0, 1, 0)] {
        pass(&bed, 5).await;
        assert_eq!(fire(&bed).await, expected);
    }
    assert_eq!(bed.count(LIVE).await, 1);
    end_all_runs(&bed).await;
    let (one, two) = tokio::join!(fire_on(&bed.engine), fire_on(&other));
    assert_eq!((one.0 + two.0, one.1 + two.1), (1, 0), "whoever comes first, once");
    assert_eq!((started(&bed).await, bed.count(LIVE).await), (vec![5, 10], 1));
    pass(&bed, 5).await;
    assert_eq!(fire(&bed).await, (0, 0, 1), "it has become the run before");
    let queued = "skipped overlap: another instant already waits for the end of the previous run 1 1";
    assert_eq!(recorded(&bed).await, [queued, "started 2 2", "waiting 1 1"]);
}

#[tokio::test]
async fn a_waiting_fire_whose_start_was_not_answered_is_not_started_again() {
    let bed = often("schedule: '*/5 * * * *', overlap: queue").await;
    for _ in 0..2 {
        pass(&bed, 5).await;
        fire(&bed).await;
    }
    end_all_runs(&bed).await;
    let wire = Wire::to(bed.database.options()).await;
    let engine = engine_on(wire.options()).await;
    wire.lose_answer_to("COMMIT");
    assert!(fire_due(&engine).await.is_err(), "nobody knows");
    assert!(wire.has_lost_it());
    assert_eq!(fire(&bed).await, (0, 0, 0));
    assert_eq!((bed.count(RUNS).await, bed.count(LIVE).await, bed.count(WAITING).await), (2, 1, 0));
}

#[tokio::test]
async fn a_newer_fire_cancels_the_run_before_it_and_starts_when_that_has_ended() {
    let bed = often("schedule: '*/5 * * * *', overlap: replace").await;
    let lease = bed.worker().await;
    pass(&bed, 5).await;
    assert_eq!(fire(&bed).await, (1, 0, 0));
    let first = only_run(&bed).await;
    let job = bed.claim(&lease, 1).await.remove(0);
    pass(&bed, 5).await;
    assert_eq!(fire(&bed).await, (0, 0, 1));
    let asked = "select count(*) from onward.job where cancel_requested_at is not null and wakes > 1";
    assert_eq!(bed.count(asked).await, 1);
    pass(&bed, 5).await;
    assert_eq!(fire(&bed).await, (0, 0, 1), "a still newer one takes its place");
    assert_eq!(bed.count(RUNS).await, 1, "no two are ever active");

    let end = EndRow::from(&End { status: RunStatus::Canceled, output: None, error: None, not_undone: Vec::new() });
    let committer = onward_engine::Committer::start(bed.engine.hot().clone(), lease);
    committer.write(RunWrite { then: Then::End(end), ..RunWrite::nothing(job.run, job.wakes) }).await;
    assert_eq!(bed.status(first).await.as_deref(), Some("canceled"));
    assert_eq!(fire(&bed).await, (1, 0, 0));
    assert_eq!(started(&bed).await, [5, 15]);
    let replaced = "skipped overlap: a newer instant took its place 1 1";
    assert_eq!(recorded(&bed).await, [replaced, "started 2 2"]);
}

#[tokio::test]
async fn runs_that_may_overlap_do() {
    let bed = often("schedule: '*/5 * * * *', overlap: allow").await;
    for _ in 0..3 {
        pass(&bed, 5).await;
        assert_eq!(fire(&bed).await, (1, 0, 0));
    }
    assert_eq!(bed.count(LIVE).await, 3);
}

#[tokio::test]
async fn a_fire_that_waits_is_told_off_when_its_trigger_goes() {
    for removed in ["schedule: '*/5 * * * *', overlap: queue", ""] {
        let bed = often("schedule: '*/5 * * * *', overlap: queue").await;
        for _ in 0..2 {
            pass(&bed, 5).await;
            fire(&bed).await;
        }
        assert_eq!(bed.count(WAITING).await, 1);
        if removed.is_empty() {
            bed.deploy("version: 1\nname: often\nsteps:\n  - {id: a, type: value, config: {x: 2}}\n").await;
        } else {
            bed.deploy(&document(removed, false)).await;
        }
        assert_eq!(fire(&bed).await, (0, 1, 0));
        end_all_runs(&bed).await;
        assert_eq!(fire(&bed).await, (0, 0, 0));
        assert_eq!(bed.count(RUNS).await, 1);
    }
}

#[tokio::test]
async fn a_deploy_leaves_a_waiting_fire_waiting() {
    let bed = often("schedule: '*/5 * * * *', overlap: queue").await;
    for _ in 0..2 {
        pass(&bed, 5).await;
        fire(&bed).await;
    }
    bed.deploy(&document("schedule: '*/5 * * * *', overlap: queue, jitter: 1m", true)).await;
    end_all_runs(&bed).await;
    assert_eq!(fire(&bed).await, (1, 0, 0));
    assert_eq!(bed.count("select max(version)::int8 from onward.run").await, 2);
}

#[tokio::test]
async fn a_trigger_that_this_binary_cannot_read_stops_and_holds_up_nobody() {
    let bed = often("schedule: '*/5 * * * *'").await;
    bed.deploy(&document("schedule: '*/5 * * * *'", true).replace("often", "foreign")).await;
    change(&bed, "update onward.trigger set rules = '{\"overlap\": \"juggle\"}' where workflow = 'foreign'").await;
    pass(&bed, 5).await;
    let engine = engine_on(bed.database.options()).await;
    assert_eq!(fire_on(&engine).await, (1, 1, 0));
    pass(&bed, 5).await;
    end_all_runs(&bed).await;
    assert_eq!(fire_on(&engine).await, (1, 0, 0));
    assert_eq!(bed.count("select count(*) from onward.trigger where next_at is null and kind = 'cron'").await, 1);
}
