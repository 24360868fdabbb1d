-- The cron triggers, of one workflow or of all.
select
    t.workflow, t.id as trigger_id, t.schedule as "schedule!", t.timezone as "timezone!",
    t.rules as "rules!",
    (t.enabled and w.enabled) as "enabled!", t.nominal_at, t.next_at, t.last_run_id,
    (t.paused_at is not null and (t.paused_until is null or t.paused_until > onward.now())) as "paused!", t.paused_until
from onward.trigger t
join onward.workflow w on w.id = t.workflow
where t.kind = 'cron' and ($1::text is null or t.workflow = $1)
order by t.workflow, t.id
limit $2
