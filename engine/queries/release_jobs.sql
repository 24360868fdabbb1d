-- Hands jobs back unharmed: no attempt is burnt and no crash counted.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
held as materialized (
    select j.run_id, j.path
    from me m
    join onward.job j on j.worker_id = m.id
    join unnest($2::uuid[], $4::text[]) as named (run_id, path) on named.run_id = j.run_id and named.path = j.path
    where j.run_id = any($2::uuid[])
    order by j.run_id, j.path
    for no key update of j
)
update onward.job j
set worker_id = null, due_at = onward.now() + make_interval(secs => $3), wakes = j.wakes + 1
from held h
where j.run_id = any(array(select run_id from held)) and j.run_id = h.run_id and j.path = h.path
returning j.queue as "queue!"
