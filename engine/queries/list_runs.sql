-- One page of runs, newest first, by the primary key. Null filters let everything through. The state of a live run is
-- not stored: it follows from its job.
select
    p.id, p.workflow, p.version, p.trigger_id, p.state as "state!", p.created_at, p.scheduled_at, p.finished_at,
    p.error::text as error, p.cancel_requested_at
from (
    select
        r.id, r.workflow, r.version, r.trigger_id, r.created_at, r.scheduled_at, r.finished_at, r.error,
        j.cancel_requested_at,
        case
            when r.status is not null then r.status::text
            when j.worker_id is not null then 'running'
            when j.due_at <= onward.now() then 'queued'
            else 'waiting'
        end as state
    from onward.run r
    left join onward.job j on j.run_id = r.id and j.path = ''
    where r.id < $1
        and r.id >= $2
        and ($3::text[] is null or r.workflow = any($3))
        and ($4::int[] is null or r.version = any($4))
        and ($5::text[] is null or r.trigger_id = any($5))
) p
where $6::text[] is null or p.state = any($6)
order by p.id desc
limit $7
