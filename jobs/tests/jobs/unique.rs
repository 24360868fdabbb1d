//! At most one of those that are equal, as long as it is not finished.

use fang::{AsyncQueueable, FangTaskState};
use onward_engine::{forget_task_keys, remove_tasks};

use crate::bed::Bed;
use crate::tasks::{Fail, Note};

fn unique(bed: &Bed, text: &str) -> Note {
    Note { unique: true, ..bed.note(text) }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_tasks_from_many_sides_become_one() {
    let bed = Bed::new().await;
    let other = crate::bed::jobs_on(&bed.database).await;
    let task = unique(&bed, "once");
    let inserts =
        (0..40).map(|turn| if turn % 2 == 0 { bed.jobs.insert_task(&task) } else { other.insert_task(&task) });
    let tasks = futures_util::future::try_join_all(inserts).await.expect("enqueue");
    assert!(tasks.iter().all(|task| task.id == tasks[0].id && task.uniq_hash == tasks[0].uniq_hash));
    assert!(tasks[0].uniq_hash.is_some());
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
    assert_ne!(bed.jobs.insert_task(&unique(&bed, "another")).await.expect("enqueue").id, tasks[0].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_task_makes_room_for_one_that_is_equal() {
    let bed = Bed::new().await;
    let _worker = bed.work().await;
    let task = unique(&bed, "again");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let task = bed.jobs.insert_task(&task).await.expect("enqueue");
        bed.until_state(&task, FangTaskState::Finished).await;
        ids.push(task.id);
    }
    ids.dedup();
    assert_eq!((ids.len(), bed.lines().len()), (3, 3));
    assert_eq!(bed.count("select count(*) from onward.idempotency").await, 1);
    assert_eq!(forget_task_keys(bed.jobs.engine()).await.expect("forget"), 1);
    assert_eq!(bed.count("select count(*) from onward.idempotency").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_in_hand_or_waits_for_its_retry_holds_its_place() {
    let bed = Bed::new().await;
    let worker = bed.work().await;
    let failing = Fail { book: bed.book.clone(), until: 9, panics: false, retries: 3 };
    let task = bed.jobs.insert_task(&failing).await.expect("enqueue");
    bed.until_state(&task, FangTaskState::Retried).await;
    worker.stop().await;
    let held = unique(&bed, "held");
    let first = bed.jobs.insert_task(&held).await.expect("enqueue");
    assert_eq!(forget_task_keys(bed.jobs.engine()).await.expect("forget"), 0);
    assert_eq!(bed.jobs.insert_task(&held).await.expect("enqueue").id, first.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_task_makes_room_before_its_end_is_carried_out() {
    let bed = Bed::new().await;
    let task = unique(&bed, "removed");
    let first = bed.jobs.insert_task(&task).await.expect("enqueue");
    assert_eq!(remove_tasks(bed.jobs.engine(), &onward_engine::Removal::default()).await.expect("remove"), 1);
    let second = bed.jobs.insert_task(&task).await.expect("enqueue");
    assert_ne!(first.id, second.id, "nobody has ended the first one, and the second must not be lost with it");
    let _worker = bed.work().await;
    bed.until_state(&second, FangTaskState::Finished).await;
    bed.until_state(&first, FangTaskState::Failed).await;
    assert_eq!(bed.lines(), ["removed"]);
}
