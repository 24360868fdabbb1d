-- One run with everything that people ask about it. Its state is not stored while it lives: it follows from its job.
select
    r.id, r.workflow, r.version, r.trigger_id, r.trigger::text as trigger, r.inputs::text as "inputs!",
    r.created_at, r.scheduled_at, r.finished_at, r.output::text as output, r.error::text as error,
    r.not_undone::text as not_undone,
    case
        when r.status is not null then r.status::text
        when j.worker_id is not null then 'running'
        when j.due_at <= onward.now() then 'queued'
        else 'waiting'
    end as "state!",
    j.cancel_requested_at
from onward.run r
left join onward.job j on j.run_id = r.id and j.path = ''
where r.id = $1
