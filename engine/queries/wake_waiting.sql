-- Wakes the runs that wait for an event of this name and key.
with waiting as materialized (
    select j.run_id
    from onward.job j
    where j.path = '' and j.run_id in (
        select p.run_id
        from onward.pending p
        where p.kind = 'event' and p.name = $1 and (p.key is null or p.key = $2)
        limit $3
    )
    order by j.run_id
    for no key update of j
)
update onward.job j
set wakes = j.wakes + 1,
    due_at = case when j.worker_id is null then least(j.due_at, onward.now()) else j.due_at end
from waiting w
where j.run_id = w.run_id and j.path = ''
returning j.run_id as "run_id!", j.queue as "queue!"
