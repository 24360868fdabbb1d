-- Something has happened to these runs from outside.
with touched as materialized (
    select j.run_id
    from onward.job j
    where j.run_id = any($1::uuid[]) and j.path = ''
    order by j.run_id
    for no key update of j
)
update onward.job j
set wakes = j.wakes + 1,
    due_at = case when j.worker_id is null then least(j.due_at, onward.now()) else j.due_at end
from touched t
where j.run_id = t.run_id and j.path = ''
returning j.run_id as "run_id!", j.queue as "queue!"
