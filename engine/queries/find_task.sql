-- A task as its program sees it: the run of a workflow that was made for its kind, how far it is, and how often it was
-- tried in vain. The queue is in the inputs, because the job of a run that has ended is gone.
select
    r.id, r.inputs::text as "inputs!", r.created_at, r.finished_at,
    r.status::text as status, r.error::text as error,
    j.due_at as "due_at?", coalesce(j.worker_id is not null, false) as "owned!",
    (select count(*) from onward.checkpoint c where c.run_id = r.id and c.path = 'task' and c.status = 'retrying') as "retries!"
from onward.run r
left join onward.job j on j.run_id = r.id and j.path = ''
where r.id = $1
    and exists (
        select from onward.workflow_version v
        where v.workflow = r.workflow and v.version = r.version and v.created_by = $2
    )
