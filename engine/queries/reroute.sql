-- This worker serves the queue but cannot carry the step out: it goes to those who can.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
),
moved as (
    update onward.job j
    set worker_id = null, queue = $4, due_at = onward.now(), wakes = j.wakes + 1
    from me
    where j.run_id = $2 and j.path = $3 and j.worker_id = me.id
    returning j.run_id, j.path
)
update onward.pending p
set name = $4
from moved m
where p.run_id = m.run_id and p.path = m.path and p.kind = 'routed' and p.outcome is null
