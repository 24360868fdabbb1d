-- A run's job, held until the request about it is written.
select worker_id, cancel_requested_at, queue as "queue!"
from onward.job
where run_id = $1 and path = ''
for no key update
