-- What a routed step came to, for the run's owner to read: the outcome is kept, the step's job goes, the run is woken. The
-- worker's row is the fence; beyond it the job must still be this worker's. Both jobs are locked in one order.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
locked as materialized (
    select j.path, j.worker_id, j.wakes
    from onward.job j
    cross join me
    where j.run_id = $2 and j.path in ('', $3)
    order by j.run_id, j.path
    for no key update of j
),
mine as materialized (
    select from locked l where l.path = $3 and l.worker_id = $1 and l.wakes >= $4
),
kept as (
    update onward.pending p
    set outcome = $6::text::json, started_at = $7, finished_at = $8
    from mine
    where p.run_id = $2 and p.path = $3 and p.attempt = $5 and p.kind = 'routed' and p.outcome is null
),
gone as (
    delete from onward.job j using mine where j.run_id = $2 and j.path = $3
),
woken as (
    update onward.job j
    set wakes = j.wakes + 1,
        due_at = case when j.worker_id is null then least(j.due_at, onward.now()) else j.due_at end
    from mine
    where j.run_id = $2 and j.path = ''
    returning j.queue
)
select exists (select from mine) as "mine!", (select w.queue from woken w) as "queue?"
