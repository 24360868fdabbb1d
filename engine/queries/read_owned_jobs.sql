-- What this worker owns by the table, to compare with what it believes.
select run_id as "run_id!", path as "path!", wakes as "wakes!", crashes as "crashes!", queue as "queue!",
    priority as "priority!: Priority", due_at as "due_at!", cancel_requested_at,
    cancel_undo as "cancel_undo!"
from onward.job
where worker_id = $1
