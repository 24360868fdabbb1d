-- Requests the end of several runs at once, as `request_cancel` does for one; their jobs are locked in one order.
with asked as materialized (
    select j.run_id
    from onward.job j
    where j.run_id = any($1::uuid[]) and j.path = '' and j.cancel_requested_at is null
    order by j.run_id
    for no key update
)
update onward.job j
set cancel_requested_at = onward.now(),
    wakes = j.wakes + 1,
    due_at = case when j.worker_id is null then least(j.due_at, onward.now()) else j.due_at end
from asked a
where j.run_id = a.run_id and j.path = ''
returning j.run_id as "run_id!", j.queue as "queue!"
