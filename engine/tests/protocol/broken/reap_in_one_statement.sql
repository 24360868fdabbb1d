-- Deletes the worker and gives its jobs back under one snapshot, which is older than the wait for the worker's row.
with dead as (
    delete from onward.worker where id = $1 returning id
)
update onward.job j
set worker_id = null, due_at = onward.now(), wakes = j.wakes + 1, crashes = j.crashes + 1
from dead d
where j.worker_id = d.id
