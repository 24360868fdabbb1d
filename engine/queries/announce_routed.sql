-- A routed step is about to have its effect. The worker's row and the job are the fence; nothing is inserted without both.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
mine as materialized (
    select j.run_id, j.path
    from onward.job j
    join me on me.id = j.worker_id
    where j.run_id = $2 and j.path = $3 and j.wakes >= $4
    for no key update of j
),
announced as (
    insert into onward.pending (run_id, path, attempt, kind, repeatable)
    select m.run_id, m.path, $5, 'started', $6
    from mine m
    on conflict do nothing
)
select exists (select from mine) as "mine!"
