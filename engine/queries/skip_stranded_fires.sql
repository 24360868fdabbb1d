-- Waiting fires whose trigger has been removed or switched off meanwhile. One that somebody else has in hand is left to
-- the next pass.
with stranded as materialized (
    select f.workflow, f.trigger_id, f.nominal_at
    from onward.fire f
    where f.result = 'waiting' and not exists (
        select from onward.trigger t
        join onward.workflow w on w.id = t.workflow
        where t.workflow = f.workflow and t.id = f.trigger_id and t.kind = 'cron' and t.enabled and w.enabled
    )
    for no key update of f skip locked
)
update onward.fire f
set result = 'skipped', reason = $1, fired_at = onward.now()
from stranded s
where f.workflow = s.workflow and f.trigger_id = s.trigger_id and f.nominal_at = s.nominal_at
