-- The run does not need this routed step any more. One that nobody has begun goes, and its outcome says so; any other is
-- marked, and comes to an end that its worker knows. Only the run's owner may ask.
with locked as materialized (
    select j.path, j.worker_id
    from onward.job j
    where j.run_id = $2 and j.path in ('', $3)
    order by j.run_id, j.path
    for no key update
),
asker as materialized (
    select from locked l where l.path = '' and l.worker_id = $1
),
free as materialized (
    select
    from locked l
    cross join asker
    where l.path = $3 and l.worker_id is null
        and not exists (
            select from onward.pending s
            where s.run_id = $2 and s.path = $3 and s.attempt = $4 and s.kind = 'started'
        )
),
gone as (
    delete from onward.job j using free where j.run_id = $2 and j.path = $3
),
kept as (
    update onward.pending p
    set outcome = $5::text::json, started_at = onward.now(), finished_at = onward.now()
    from free
    where p.run_id = $2 and p.path = $3 and p.attempt = $4 and p.kind = 'routed' and p.outcome is null
),
woken as (
    update onward.job j set wakes = j.wakes + 1 from free where j.run_id = $2 and j.path = ''
),
marked as (
    update onward.job j
    set cancel_requested_at = coalesce(j.cancel_requested_at, onward.now()), wakes = j.wakes + 1
    from asker
    where j.run_id = $2 and j.path = $3 and not exists (select from free)
    returning j.queue
)
select (select m.queue from marked m) as "marked?"
