-- Locks what a deploy is about to replace, in (workflow, id) order, and reads what has to survive the replacement.
select
    t.workflow, t.id, t.schedule, t.timezone, t.next_at, t.last_run_id
from onward.trigger t
where t.workflow = any($1::text[])
order by t.workflow, t.id
for update
