-- Runs that this transaction has parked and whose event is there already: they are due at once.
with found as materialized (
    select j.run_id
    from onward.job j
    where j.run_id = any($1::uuid[]) and j.path = '' and j.worker_id is null
        and exists (
            select from onward.pending p
            join onward.event e on e.name = p.name and (p.key is null or e.key = p.key) and e.received_at > p.since
            where p.run_id = j.run_id and p.kind = 'event'
        )
    order by j.run_id
    for no key update of j
)
update onward.job j
set wakes = j.wakes + 1, due_at = least(j.due_at, onward.now())
from found f
where j.run_id = f.run_id and j.path = ''
returning j.run_id as "run_id!", j.queue as "queue!"
