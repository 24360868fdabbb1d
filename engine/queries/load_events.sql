-- Events that these runs may be waiting for and have not looked at yet.
select distinct on (p.run_id, e.received_at, e.id)
    p.run_id as "run_id!", e.id as "id!", e.name as "name!", e.key, e.data::text as "data!", e.received_at as "received_at!"
from onward.pending p
join onward.event e on e.name = p.name and (p.key is null or e.key = p.key) and e.received_at > p.since
where p.run_id = any($1::uuid[]) and p.kind = 'event'
order by p.run_id, e.received_at, e.id
limit $2
