-- Locks what a deploy is about to replace, in (workflow, id) order, and reads what has to survive the replacement.
select
    t.workflow, t.id, t.schedule, t.timezone, t.last_run_id,
    t.rules, t.nominal_at, t.paused_at, t.paused_until
from onward.trigger t
where t.workflow = any($1::text[])
order by t.workflow, t.id
for update
