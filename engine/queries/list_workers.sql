-- The processes that claim, oldest first.
select
    w.id, w.host, w.pid, w.version, w.queues, w.seats, w.step_types, w.started_at, w.heartbeat_at,
    (w.heartbeat_at > onward.now() - make_interval(secs => $1)) as "alive!"
from onward.worker w
order by w.started_at, w.id
limit $2
