-- A checkpoint that a person writes; what the step had been waiting for is over with it. An announced effect is not: its
-- worker may be at it.
with gone as (
    delete from onward.pending where run_id = $1 and path = $2 and attempt <= $3 and kind <> 'started'
)
insert into onward.checkpoint (run_id, path, attempt, status, output, started_at, finished_at, settled_by)
values ($1, $2, $3, $4::text::onward.checkpoint_status, $5::text::json, $6, $6, $7)
on conflict (run_id, path, attempt) do nothing
