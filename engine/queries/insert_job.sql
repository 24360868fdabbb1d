-- The run may go on. It has a past, which the first claim of a fresh job does not look for.
insert into onward.job (run_id, queue, priority, due_at, wakes)
values ($1, $2, $3::text::onward.priority, onward.now(), 1)
