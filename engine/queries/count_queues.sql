-- How many jobs could go on in each queue. Counting stops at a bound: nobody needs to know how far beyond it they go.
select d.queue, count(*) as "waiting!"
from (
    select j.queue from onward.job j
    where j.worker_id is null and j.due_at <= onward.now()
    limit $1
) d
group by d.queue
order by d.queue
