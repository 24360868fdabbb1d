-- When does the next job of these lanes become due? The claimer sleeps until then.
select min(j.due_at) as "due_at?"
from unnest($1::text[], $2::text[]) as lane (queue, priority)
cross join lateral (
    select c.due_at
    from onward.job c
    where c.worker_id is null
        and c.queue = lane.queue
        and c.priority = lane.priority::onward.priority
        and c.due_at > onward.now()
    order by c.due_at
    limit 1
) j
