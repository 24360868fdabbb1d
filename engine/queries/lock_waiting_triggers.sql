-- Cron triggers with fires that wait for the end of a run; another process takes others.
select t.workflow as "workflow!", t.id as "id!", w.version as "version!"
from onward.trigger t
join onward.workflow w on w.id = t.workflow
where t.kind = 'cron' and t.enabled and w.enabled
    and (t.workflow, t.id) in (select f.workflow, f.trigger_id from onward.fire f where f.result = 'waiting')
    and not exists (select from onward.job j where j.run_id = t.last_run_id and j.path = '')
order by t.workflow, t.id
limit $1
for update of t skip locked
