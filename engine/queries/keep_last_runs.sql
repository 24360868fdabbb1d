-- The run whose end the next fire of each trigger may have to wait for.
update onward.trigger t
set last_run_id = l.run_id
from unnest($1::text[], $2::text[], $3::uuid[]) as l (workflow, id, run_id)
where t.workflow = l.workflow and t.id = l.id
