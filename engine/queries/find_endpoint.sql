-- Which workflow a request to this endpoint starts. A run is wanted only when both the workflow and its trigger are on.
select t.workflow, w.version, t.id as trigger_id, (w.enabled and t.enabled) as "enabled!", t.authenticated
from onward.trigger t
join onward.workflow w on w.id = t.workflow
where t.endpoint = $1
