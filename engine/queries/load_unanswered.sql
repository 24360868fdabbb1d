-- Effects that were announced, of which those without a checkpoint may or may not have happened; and instants that were
-- reserved for attempts.
select run_id as "run_id!", path as "path!", attempt as "attempt!", kind = 'slot' as "reserved!", due_at,
    repeatable as "repeatable!"
from onward.pending
where run_id = any($1::uuid[]) and (kind = 'started' or (kind = 'slot' and name = 'rate'))
