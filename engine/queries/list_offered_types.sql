-- The step types that living workers carry out.
select distinct offered.name as "name!"
from onward.worker w
cross join unnest(w.step_types) as offered (name)
where w.heartbeat_at > onward.now() - make_interval(secs => $1)
limit $2
