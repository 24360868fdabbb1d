-- Effects that were announced, of which those without a checkpoint may or may not have happened; instants that were
-- reserved for attempts; and attempts that are jobs of their own, with what they came to.
select run_id as "run_id!", path as "path!", attempt as "attempt!", kind::text as "kind!", due_at, name as "name!",
    repeatable as "repeatable!", outcome::text as "outcome?", started_at, finished_at
from onward.pending
where run_id = any($1::uuid[]) and (kind in ('started', 'routed') or (kind = 'slot' and name = 'rate'))
