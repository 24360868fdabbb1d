-- The instants from $3 on and before $4 that have a run, or wait for it.
select f.nominal_at
from onward.fire f
where f.workflow = $1 and f.trigger_id = $2 and f.nominal_at >= $3 and f.nominal_at < $4 and f.result <> 'skipped'
