-- Starts a whole batch: idempotency keys, runs and jobs, at most $2 of them already claimed by the worker $1.
-- The worker's row is the fence: without it the jobs are inserted unclaimed, which is always right.
-- Keys were locked by an earlier statement of this transaction, so a winner is committed and visible here.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
input as materialized (
    select i.*
    from unnest(
        $3::uuid[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[],
        $11::timestamptz[], $12::text[], $13::text[], $14::timestamptz[], $15::bool[],
        $16::text[], $17::text[], $18::bytea[], $19::float8[]
    ) with ordinality as i (
        id, workflow, version, trigger_id, trigger, inputs, variables, created_at,
        scheduled_at, queue, priority, due_at, eager,
        scope, key, request_hash, ttl, place
    )
),
won as (
    insert into onward.idempotency as known (scope, key, request_hash, run_id, expires_at)
    select i.scope, i.key, i.request_hash, i.id, onward.now() + make_interval(secs => i.ttl)
    from input i
    where i.key is not null
    on conflict (scope, key) do update
        set request_hash = excluded.request_hash, run_id = excluded.run_id, answer = null,
            created_at = onward.now(), expires_at = excluded.expires_at
        where known.expires_at <= onward.now()
    returning known.scope, known.key
),
fresh as (
    select i.*
    from input i
    left join won w on w.scope = i.scope and w.key = i.key
    where i.key is null or w.key is not null
),
runs as (
    insert into onward.run (id, workflow, version, trigger_id, trigger, inputs, env, variables, created_at, scheduled_at)
    select f.id, f.workflow, f.version, f.trigger_id, f.trigger::json, f.inputs::json, $20::text::json, f.variables::json,
        f.created_at, f.scheduled_at
    from fresh f
    returning id
),
jobs as (
    insert into onward.job (run_id, queue, priority, due_at, worker_id, wakes)
    -- A run that is due at once is due by the database's clock, not by the starter's, which may be a little ahead.
    select f.id, f.queue, f.priority::onward.priority,
        case when f.due_at <= f.created_at then onward.now() else f.due_at end,
        m.id, (m.id is not null)::int
    from fresh f
    left join me m on f.eager and f.place <= $2
    returning run_id, worker_id is not null as claimed
)
select
    i.place as "place!",
    j.run_id is not null as "begun!",
    coalesce(j.claimed, false) as "claimed!",
    case when j.run_id is null then (
        select known.run_id from onward.idempotency known where known.scope = i.scope and known.key = i.key
    ) end as "first_run?",
    case when j.run_id is null then (
        select known.request_hash from onward.idempotency known where known.scope = i.scope and known.key = i.key
    ) end as "first_hash?"
from input i
left join jobs j on j.run_id = i.id
order by i.place
