-- The cron triggers of a workflow, or the one that is named, held until what a person wants of it is written.
select t.id as "id!", t.schedule as "schedule!", t.timezone as "timezone!",
    t.rules as "rules!",
    (t.enabled and w.enabled) as "enabled!", t.nominal_at, w.version as "version!", onward.now() as "now!"
from onward.trigger t
join onward.workflow w on w.id = t.workflow
where t.workflow = $1 and t.kind = 'cron' and ($2::text is null or t.id = $2)
order by t.id
for update of t
