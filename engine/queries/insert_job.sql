-- The run may go on.
insert into onward.job (run_id, queue, priority, due_at)
values ($1, $2, $3::text::onward.priority, onward.now())
