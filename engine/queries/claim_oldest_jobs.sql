-- Every tenth claim: the oldest due jobs of all lanes, whatever their priority, so that a low one is not starved.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
oldest as materialized (
    select j.run_id, j.path
    from unnest($2::text[], $3::text[]) as lane (queue, priority)
    cross join lateral (
        select c.run_id, c.path, c.due_at
        from onward.job c
        where c.worker_id is null
            and c.queue = lane.queue
            and c.priority = lane.priority::onward.priority
            and c.due_at <= onward.now()
        order by c.due_at, c.run_id, c.path
        limit $4
    ) j
    order by j.due_at, j.run_id, j.path
    limit $4
),
picked as materialized (
    select j.run_id, j.path
    from me
    cross join onward.job j
    where j.run_id = any(array(select run_id from oldest))
        and (j.run_id, j.path) in (select run_id, path from oldest)
        and j.worker_id is null
    for update of j skip locked
)
update onward.job j
set worker_id = m.id, wakes = j.wakes + 1
from me m, picked p
where j.run_id = any(array(select run_id from picked)) and j.run_id = p.run_id and j.path = p.path
returning j.run_id as "run_id!", j.path as "path!", j.queue as "queue!", j.priority as "priority!: Priority",
    j.due_at as "due_at!", j.wakes as "wakes!", j.crashes as "crashes!"
