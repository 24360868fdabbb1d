-- The oldest claimable job of each lane, for the claims that go by age instead of priority.
select
    (
        select c.due_at
        from onward.job c
        where c.worker_id is null
            and c.queue = lane.queue
            and c.priority = lane.priority::onward.priority
            and c.due_at >= lane.bound
        order by c.due_at
        limit 1
    ) as "head?"
from unnest($1::text[], $2::text[], $3::timestamptz[]) with ordinality as lane (queue, priority, bound, place)
order by lane.place
