-- What the runs' rows hold and no step may change.
select id as "id!", workflow as "workflow!", version as "version!", trigger::text as "trigger?", inputs::text as "inputs!",
    depth as "depth!", parent_run_id,
    env::text as "env?", variables::text as "variables?", created_at as "created_at!", scheduled_at
from onward.run
where id = any($1::uuid[])
