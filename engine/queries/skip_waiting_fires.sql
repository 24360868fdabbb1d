-- Fires that wait for the end of a run do not any more; those of a backfill only where $4 says so.
update onward.fire f
set result = 'skipped', reason = $3, fired_at = onward.now()
from unnest($1::text[], $2::text[]) as t (workflow, id)
where f.workflow = t.workflow and f.trigger_id = t.id and f.result = 'waiting' and (not f.backfill or $4)
