-- What an event of this name starts.
select t.workflow, t.id as trigger_id, w.version
from onward.trigger t
join onward.workflow w on w.id = t.workflow
where t.event is not null and t.enabled and w.enabled
    and (t.event = $1 or (right(t.event, 1) = '*' and starts_with($1, left(t.event, -1))))
order by t.workflow, t.id
limit $2
