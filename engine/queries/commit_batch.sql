-- One batch of finished attempts, parks and ends, as one statement and so as one transaction.
-- The worker's row is the fence; beyond it each run is joined to its job, and a run whose job is not this worker's, or
-- was claimed again since, writes nothing. Jobs that change are locked first, in one order; the others are only read.
-- Tables are reached by arrays of ids and joined by hashing, so that no plan ever scans them.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
input as materialized (
    select i.*
    from unnest(
        $2::uuid[], $3::int[], $4::text[], $5::int[], $6::timestamptz[], $7::text[], $8::text[], $9::text[],
        $10::bool[], $11::bool[], $24::text[]
    ) as i (run_id, claimed, move, seen, due_at, status, output, error, settles, resets, not_undone)
),
locked as materialized (
    select i.*, j.wakes
    from input i
    join onward.job j on j.run_id = i.run_id
    cross join me m
    where (i.move <> 'keep' or i.resets)
        and j.run_id = any($2) and j.path = '' and j.worker_id = m.id and j.wakes >= i.claimed
    order by j.run_id
    for no key update of j
),
mine as materialized (
    select l.run_id, l.move, l.settles from locked l
    union all
    select i.run_id, i.move, i.settles
    from input i
    join onward.job j on j.run_id = i.run_id
    cross join me m
    where i.move = 'keep' and not i.resets
        and j.run_id = any($2) and j.path = '' and j.worker_id = m.id and j.wakes >= i.claimed
),
written as (
    insert into onward.checkpoint as known (run_id, path, attempt, status, output, error, started_at, finished_at, worker_id)
    select c.run_id, c.path, c.attempt, c.status::onward.checkpoint_status, c.output::json, c.error::json,
        c.started_at, c.finished_at, $1
    from unnest(
        $12::uuid[], $13::text[], $14::int[], $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[]
    ) as c (run_id, path, attempt, status, output, error, started_at, finished_at)
    join mine on mine.run_id = c.run_id
    -- A person's wish for another attempt does not stand in the way of the one that was under way already.
    on conflict (run_id, path, attempt) do update
        set status = excluded.status, output = excluded.output, error = excluded.error,
            started_at = excluded.started_at, finished_at = excluded.finished_at, worker_id = excluded.worker_id
        where known.status = 'retrying' and known.worker_id is null
    returning run_id
),
announced as (
    insert into onward.pending (run_id, path, attempt, kind, repeatable)
    select a.run_id, a.path, a.attempt, 'started', a.repeatable
    from unnest($20::uuid[], $21::text[], $22::int[], $23::bool[]) as a (run_id, path, attempt, repeatable)
    join mine on mine.run_id = a.run_id
    on conflict do nothing
),
-- A routed step becomes a job of its own, once: a repeated batch must not bring back what was carried out meanwhile.
handed as (
    insert into onward.pending (run_id, path, attempt, kind, name)
    select s.run_id, s.path, s.attempt, 'routed', s.queue
    from unnest($33::uuid[], $34::text[], $35::int[], $36::text[]) as s (run_id, path, attempt, queue)
    join mine on mine.run_id = s.run_id
    on conflict do nothing
    returning run_id, path, attempt
),
routed as (
    -- A run that was reopened may find the job of its former life: whoever has that one loses it.
    insert into onward.job as known (run_id, path, queue, priority, due_at)
    select s.run_id, s.path, s.queue, s.priority::onward.priority, onward.now()
    from unnest($33::uuid[], $34::text[], $35::int[], $36::text[], $37::text[]) as s (run_id, path, attempt, queue, priority)
    join handed h on h.run_id = s.run_id and h.path = s.path and h.attempt = s.attempt
    on conflict (run_id, path) do update
        set queue = excluded.queue, priority = excluded.priority, due_at = excluded.due_at, worker_id = null,
            wakes = known.wakes + 1, cancel_requested_at = null, cancel_undo = false
),
moved as (
    update onward.job j
    set worker_id = case when l.move in ('park', 'release') then null else j.worker_id end,
        due_at = case when l.move in ('park', 'release') then l.due_at else j.due_at end,
        crashes = case when l.resets then 0 else j.crashes end
    from locked l
    where j.run_id = any(array(select run_id from locked where move <> 'end'))
        and j.run_id = l.run_id and j.path = '' and l.move <> 'end' and (l.move = 'keep' or j.wakes = l.seen)
    returning j.run_id, l.move
),
waiting as (
    insert into onward.pending as known (run_id, path, attempt, kind, due_at, name, key, since)
    select p.run_id, p.path, p.attempt, p.kind::onward.pending_kind, p.due_at, p.name, p.key, p.since
    from unnest(
        $25::uuid[], $26::text[], $27::int[], $28::text[], $29::timestamptz[], $30::text[], $31::text[],
        $32::timestamptz[]
    ) as p (run_id, path, attempt, kind, due_at, name, key, since)
    join moved on moved.run_id = p.run_id
    where moved.move = 'park'
    on conflict (run_id, path, attempt, kind, name) do update set since = excluded.since
        where known.since < excluded.since
),
ended as (
    update onward.run r
    set status = l.status::onward.run_status, output = l.output::json, error = l.error::json, not_undone = l.not_undone::json,
        finished_at = onward.now(),
        failed_at = case when l.status = 'failed' then onward.now() end
    from locked l
    where r.id = any(array(select run_id from locked where move = 'end'))
        and r.id = l.run_id and r.status is null
),
gone as (
    delete from onward.job j
    where j.run_id = any(array(select run_id from locked where move = 'end')) and (j.path = '' or j.worker_id is null)
),
settled as (
    delete from onward.pending p
    using mine m
    where p.run_id = any(array(select run_id from mine where settles))
        and p.run_id = m.run_id
        and (
            m.move = 'end'
            or exists (
                select from unnest($12::uuid[], $13::text[], $14::int[]) as c (run_id, path, attempt)
                where c.run_id = p.run_id and c.path = p.path and p.attempt <= c.attempt
            )
        )
)
select
    i.run_id as "run_id!",
    mine.run_id is not null as "owned!",
    i.move not in ('park', 'release') or moved.run_id is not null as "parked!",
    coalesce(w.rows, 0) as "written!"
from input i
left join mine on mine.run_id = i.run_id
left join moved on moved.run_id = i.run_id
left join (select run_id, count(*) as rows from written group by run_id) w on w.run_id = i.run_id
