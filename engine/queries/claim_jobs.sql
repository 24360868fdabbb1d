-- Takes up to $5 due jobs, lane by lane in the order given, each lane from its lower bound upwards: without the bound a
-- claim under an old snapshot wades through everything that was ever claimed. The worker's row is the fence.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
picked as materialized (
    select j.run_id, j.path
    from me
    cross join unnest($2::text[], $3::text[], $4::timestamptz[]) as lane (queue, priority, bound)
    cross join lateral (
        select c.run_id, c.path
        from onward.job c
        where c.worker_id is null
            and c.queue = lane.queue
            and c.priority = lane.priority::onward.priority
            and c.due_at >= lane.bound
            and c.due_at <= onward.now()
        order by c.due_at, c.run_id, c.path
        limit $5
        for update skip locked
    ) j
    limit $5
)
update onward.job j
set worker_id = m.id, wakes = j.wakes + 1
from me m, picked p
where j.run_id = any(array(select run_id from picked)) and j.run_id = p.run_id and j.path = p.path
returning j.run_id as "run_id!", j.path as "path!", j.queue as "queue!", j.priority as "priority!: Priority",
    j.due_at as "due_at!", j.wakes as "wakes!", j.crashes as "crashes!"
