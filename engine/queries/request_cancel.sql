-- The request wakes the owner; a run that nobody owns becomes due, and whoever claims it next ends it.
update onward.job
set cancel_requested_at = onward.now(),
    cancel_undo = $2,
    wakes = wakes + 1,
    due_at = case when worker_id is null then least(due_at, onward.now()) else due_at end
where run_id = $1 and path = ''
