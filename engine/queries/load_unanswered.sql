-- Effects that were announced; those without a checkpoint may or may not have happened.
select run_id as "run_id!", path as "path!", attempt as "attempt!", repeatable as "repeatable!"
from onward.pending
where run_id = any($1::uuid[]) and kind = 'started'
