-- A statement of its own after the delete, so that it sees what the worker's last batch committed.
with held as materialized (
    select j.run_id, j.path
    from onward.job j
    where j.worker_id = $1
    order by j.run_id, j.path
    for no key update
)
update onward.job j
set worker_id = null, due_at = onward.now(), wakes = j.wakes + 1, crashes = j.crashes + $2
from held h
where j.run_id = any(array(select run_id from held)) and j.run_id = h.run_id and j.path = h.path
returning j.queue as "queue!"
