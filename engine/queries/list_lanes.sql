-- The queues and priorities that have a claimable job, found by skipping through the claim's index. A queue for one step
-- type is for those who carry that type out, whatever else they serve, and one for tasks is for those who name it.
with recursive lane as (
    (
        select j.queue, j.priority
        from onward.job j
        where j.worker_id is null
        order by j.queue, j.priority
        limit 1
    )
    union all
    select n.queue, n.priority
    from lane l
    cross join lateral (
        select j.queue, j.priority
        from onward.job j
        where j.worker_id is null and (j.queue, j.priority) > (l.queue, l.priority)
        order by j.queue, j.priority
        limit 1
    ) n
)
select queue as "queue!", priority as "priority!: Priority"
from lane
where case
    when queue like 'type:%' then queue = any($3::text[])
    when $1::text[] is null then queue not like 'fang.%'
    else queue = any($1)
end
limit $2
