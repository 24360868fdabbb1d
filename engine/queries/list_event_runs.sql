-- The runs that an event has started, found by the keys that keep them from being started twice.
select i.run_id as "run!", t.workflow as "workflow!", t.id as "trigger_id!"
from onward.trigger t
join onward.idempotency i on i.scope = 'event/' || t.workflow || '/' || t.id and i.key = $1
where t.kind = 'event' and i.run_id is not null
order by i.run_id
limit $2
