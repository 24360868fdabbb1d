-- Queues with at least $1 jobs that could go on. The queues are found by skipping through the claim's index, and counting
-- stops at the limit.
with recursive lane as (
    (select j.queue from onward.job j where j.worker_id is null order by j.queue limit 1)
    union all
    select (
        select j.queue from onward.job j
        where j.worker_id is null and j.queue > l.queue
        order by j.queue
        limit 1
    )
    from lane l
    where l.queue is not null
)
select l.queue as "queue!"
from lane l
where l.queue is not null
    and (
        select count(*)
        from (
            select
            from onward.job j
            where j.worker_id is null and j.queue = l.queue
                and j.priority = any(enum_range(null::onward.priority)) and j.due_at <= onward.now()
            limit $1
        ) d
    ) >= $1
limit $2
