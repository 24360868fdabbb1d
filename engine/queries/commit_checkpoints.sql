-- The lean form of commit_batch.sql, for batches in which every run keeps its job and only adds checkpoints: the same
-- fence, the same join to the job, nothing else to set up.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
mine as materialized (
    select i.run_id
    from unnest($2::uuid[], $3::int[]) as i (run_id, claimed)
    join onward.job j on j.run_id = i.run_id
    cross join me m
    where j.run_id = any($2) and j.path = '' and j.worker_id = m.id and j.wakes >= i.claimed
),
written as (
    insert into onward.checkpoint as known (run_id, path, attempt, status, output, error, started_at, finished_at, worker_id)
    select c.run_id, c.path, c.attempt, c.status::onward.checkpoint_status, c.output::json, c.error::json,
        c.started_at, c.finished_at, $1
    from unnest(
        $4::uuid[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[]
    ) as c (run_id, path, attempt, status, output, error, started_at, finished_at)
    join mine on mine.run_id = c.run_id
    -- A person's wish for another attempt does not stand in the way of the one that was under way already.
    on conflict (run_id, path, attempt) do update
        set status = excluded.status, output = excluded.output, error = excluded.error,
            started_at = excluded.started_at, finished_at = excluded.finished_at, worker_id = excluded.worker_id
        where known.status = 'retrying' and known.worker_id is null
    returning run_id
)
select m.run_id as "run_id!", coalesce(w.rows, 0) as "written!"
from mine m
left join (select run_id, count(*) as rows from written group by run_id) w on w.run_id = m.run_id
