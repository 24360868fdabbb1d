-- Cron triggers whose time has come, for this process to fire; another process takes others.
select t.workflow as "workflow!", t.id as "id!", t.schedule as "schedule!", t.timezone as "timezone!",
    t.rules as "rules!",
    t.nominal_at as "nominal_at!", t.paused_at, t.paused_until, t.last_run_id, w.version as "version!",
    onward.now() as "now!"
from onward.trigger t
join onward.workflow w on w.id = t.workflow
where t.next_at <= onward.now()
order by t.workflow, t.id
limit $1
for update of t skip locked
