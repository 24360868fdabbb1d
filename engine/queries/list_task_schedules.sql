-- The schedules of tasks: workflows that were made for one, as long as they can still fire.
select w.id, w.version
from onward.workflow w
join onward.workflow_version v on v.workflow = w.id and v.version = w.version
where v.created_by = $1 and exists (select from onward.trigger t where t.workflow = w.id and t.kind = 'cron')
order by w.id
limit $2
