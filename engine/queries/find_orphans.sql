-- Owners of jobs that have no row: nobody will ever commit for them. Skips through the owner index.
with recursive owner as (
    (select j.worker_id from onward.job j where j.worker_id is not null order by j.worker_id limit 1)
    union all
    select (
        select j.worker_id from onward.job j
        where j.worker_id is not null and j.worker_id > o.worker_id
        order by j.worker_id limit 1
    )
    from owner o
    where o.worker_id is not null
)
select o.worker_id as "id!"
from owner o
where o.worker_id is not null and not exists (select from onward.worker w where w.id = o.worker_id)
limit $1
