-- A run that another run calls. Its id is derived from the caller, so calling again finds it there.
with started as (
    insert into onward.run (
        id, workflow, version, trigger_id, trigger, inputs, env, variables, parent_run_id, depth, created_at
    )
    values (
        $1, $2, $3, null, $4::text::json, $5::text::json, $6::text::json, $7::text::json, $8, $9, $10
    )
    on conflict (id) do nothing
    returning id
)
insert into onward.job (run_id, queue, priority, due_at)
select s.id, $11, $12::text::onward.priority, onward.now()
from started s
returning run_id as "run_id!"
