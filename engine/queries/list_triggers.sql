-- The triggers of the named workflows, in the order in which they are locked everywhere.
select
    t.workflow, t.id, t.kind::text as "kind!", t.enabled, t.schedule, t.timezone, t.next_at, t.last_run_id,
    t.endpoint, t.authenticated
from onward.trigger t
where t.workflow = any($1::text[])
order by t.workflow, t.id
