//! Tasks from fang's own table, written by fang itself.

use chrono::TimeDelta;
use fang::{AsyncQueue, AsyncQueueable, FangTaskState};
use onward_engine::{FangTableError, ImportError, ImportTasks, ImportedTasks, Kinds, import_tasks};
use sqlx::Executor;

use crate::bed::{Bed, DEADLINE};
use crate::tasks::{Later, Note};

const TABLE: &str = "
    create type fang_task_state as enum ('new', 'in_progress', 'failed', 'finished', 'retried');
    create table fang_tasks (
        id uuid primary key, metadata jsonb not null, error_message text,
        state fang_task_state not null default 'new', task_type text not null default 'common', uniq_hash text,
        retries int not null default 0, scheduled_at timestamptz not null default now(),
        created_at timestamptz not null default now(), updated_at timestamptz not null default now()
    )";

async fn fang_on(bed: &Bed) -> AsyncQueue {
    bed.jobs.engine().pool().execute(TABLE).await.expect("make fang's table");
    let mut queue = AsyncQueue::builder().uri(bed.database.url()).max_pool_size(2_u32).build();
    queue.connect().await.expect("fang connects");
    queue
}

async fn import(bed: &Bed, minutes: Option<i32>) -> ImportedTasks {
    let (engine, wish) = (bed.jobs.engine(), ImportTasks { in_progress_minutes: minutes });
    import_tasks(engine, &Kinds::default(), engine.pool(), wish).await.expect("import")
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_tasks_are_taken_over_once_and_the_rest_is_left() {
    let bed = Bed::new().await;
    let fang = fang_on(&bed).await;
    let unique = Note { unique: true, ..bed.note("unique") };
    let at = bed.jobs.engine().clock().now() + TimeDelta::hours(5);
    let mut rows = Vec::new();
    for text in ["waits", "is retried", "hangs", "has failed", "is at work"] {
        rows.push(fang.insert_task(&bed.note(text)).await.expect("fang takes it"));
    }
    fang.insert_task(&unique).await.expect("fang takes it");
    fang.schedule_task(&Later { book: bed.book.clone(), at }).await.expect("fang takes it");
    fang.schedule_retry(&rows[1], 0, "no").await.expect("fang retries");
    fang.update_task_state(&rows[2], FangTaskState::InProgress).await.expect("fang begins");
    fang.fail_task(&rows[3], "no").await.expect("fang gives up");
    fang.update_task_state(&rows[4], FangTaskState::InProgress).await.expect("fang begins");
    bed.jobs.engine().pool().execute("update fang_tasks set updated_at = now() - interval '1 h' where metadata ->> 'text' = 'hangs'; insert into fang_tasks (id, metadata) values ('00000000-0000-4000-8000-000000000001', '[]')").await.expect("change rows");

    let done = import(&bed, None).await;
    let unreadable = vec!["00000000-0000-4000-8000-000000000001".parse().expect("an id")];
    let nothing = ImportedTasks { imported: 0, already: 0, equal: 0, unreadable, in_progress: 2, ended: 1 };
    assert_eq!(done, ImportedTasks { imported: 4, ..nothing.clone() });
    assert_eq!(import(&bed, None).await, ImportedTasks { already: 4, ..nothing.clone() });
    assert_eq!(
        import(&bed, Some(30)).await,
        ImportedTasks { imported: 1, already: 4, in_progress: 1, ..nothing.clone() }
    );
    assert_eq!(bed.count("select count(*) from fang_tasks where state = 'new'").await, 4, "the table is not written");

    let held = bed.jobs.insert_task(&unique).await.expect("enqueue");
    assert_eq!(bed.count("select count(*) from onward.run").await, 5, "the imported one holds its place");
    let _worker = bed.work().await;
    bed.until_state(&held, FangTaskState::Finished).await;
    onward_testkit::wait_until(DEADLINE, "all but the later one to end", async || {
        bed.count("select count(*) from onward.job").await == 1
    })
    .await;
    let mut lines = bed.lines();
    lines.sort();
    assert_eq!(lines, ["hangs", "is retried", "unique", "waits"]);
    let due: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select due_at from onward.job").fetch_one(bed.jobs.engine().pool()).await.expect("the job");
    assert_eq!(due.timestamp_millis(), at.timestamp_millis());
    assert_eq!(import(&bed, Some(30)).await, ImportedTasks { already: 5, in_progress: 1, ..nothing });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_task_that_is_here_already_is_not_imported_beside_it() {
    let bed = Bed::new().await;
    let fang = fang_on(&bed).await;
    let unique = Note { unique: true, ..bed.note("unique") };
    fang.insert_task(&unique).await.expect("fang takes it");
    bed.jobs.insert_task(&unique).await.expect("enqueue");
    let done = import(&bed, None).await;
    assert_eq!((done.imported, done.equal), (0, 1), "whatever fang's hash is made of");
    assert_eq!(bed.count("select count(*) from onward.run").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_fangs_table_says_so() {
    let bed = Bed::new().await;
    let engine = bed.jobs.engine();
    let refused = import_tasks(engine, &Kinds::default(), engine.pool(), ImportTasks::default()).await;
    assert!(matches!(refused, Err(ImportError::Table(FangTableError::NoTable))), "{refused:?}");
}
