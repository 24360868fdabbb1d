-- Everything that these runs have finished.
select run_id as "run_id!", path as "path!", attempt as "attempt!", status::text as "status!", output::text as "output?",
    error::text as "error?", started_at as "started_at!", finished_at as "finished_at!"
from onward.checkpoint
where run_id = any($1::uuid[])
