-- Which versions are about to be fired? They are compiled before anything is locked.
(
    select w.id as "workflow!", w.version as "version!"
    from onward.trigger t
    join onward.workflow w on w.id = t.workflow
    where t.next_at <= onward.now()
    limit $1
)
union
select w.id, w.version
from onward.workflow w
where w.id in (select f.workflow from onward.fire f where f.result = 'waiting')
