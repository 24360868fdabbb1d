-- What has happened to these runs from outside, read before the statement that reads their checkpoints: a park that
-- compares this count can then never miss anything. The count that a claim returns is not good enough: its statement
-- saw the old rows.
select run_id as "run_id!", wakes as "wakes!", cancel_requested_at,
    cancel_undo as "cancel_undo!"
from onward.job
where run_id = any($1::uuid[]) and path = '' and worker_id = $2
