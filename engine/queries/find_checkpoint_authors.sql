-- After fewer rows were written than sent: whose are the ones that were there first? Ours, if this is a repeat.
select c.worker_id
from onward.checkpoint c
join unnest($2::text[], $3::int[]) as wanted (path, attempt) on wanted.path = c.path and wanted.attempt = c.attempt
where c.run_id = $1
