-- The same page when only live runs are asked for: the jobs are few, the runs may be millions.
select
    p.id, p.workflow, p.version, p.trigger_id, p.state as "state!", p.created_at, p.scheduled_at,
    null::timestamptz as finished_at, p.cancel_requested_at, null::text as error
from (
    select
        r.id, r.workflow, r.version, r.trigger_id, r.created_at, r.scheduled_at, j.cancel_requested_at,
        case
            when j.worker_id is not null then 'running'
            when j.due_at <= onward.now() then 'queued'
            else 'waiting'
        end as state
    from onward.job j
    join onward.run r on r.id = j.run_id
    where j.run_id < $1
        and j.run_id >= $2
        and j.path = ''
        and r.status is null
        and ($3::text[] is null or r.workflow = any($3))
        and ($4::int[] is null or r.version = any($4))
        and ($5::text[] is null or r.trigger_id = any($5))
) p
where p.state = any($6::text[])
order by p.id desc
limit $7
