-- The runs that these runs have called, and what came of them.
select parent_run_id as "parent", id as "id!", status::text as "status?", output::text as "output?", error::text as "error?",
    finished_at
from onward.run
where parent_run_id = any($1::uuid[])
