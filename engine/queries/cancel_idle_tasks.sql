-- Requests the end of tasks that no worker has in hand: all of them, those of one queue, one alone, or those that are
-- not due yet. Jobs are locked in one order; one that is claimed meanwhile is left alone when its row is looked at again.
with asked as materialized (
    select j.run_id
    from onward.job j
    where j.path = '' and j.worker_id is null and j.cancel_requested_at is null
        and j.queue like 'fang.%'
        and ($1::text is null or j.queue = $1)
        and ($2::uuid is null or j.run_id = $2)
        and (not $3::bool or j.due_at > onward.now())
    order by j.run_id
    limit $4
    for no key update
)
update onward.job j
set cancel_requested_at = onward.now(), wakes = j.wakes + 1, due_at = least(j.due_at, onward.now())
from asked a
where j.run_id = a.run_id and j.path = ''
returning j.run_id as "run_id!", j.queue as "queue!"
