-- An instant that was skipped starts now; one that has a run, or waits for it, stays as it is. A row that stands for
-- several instants goes on saying so.
insert into onward.fire as known (workflow, trigger_id, nominal_at, result, run_id, backfill)
select $1, $2, b.nominal_at, case when b.run_id is null then 'waiting' else 'started' end::onward.fire_result, b.run_id, true
from unnest($3::timestamptz[], $4::uuid[]) as b (nominal_at, run_id)
on conflict (workflow, trigger_id, nominal_at) do update
    set result = excluded.result, run_id = excluded.run_id, reason = null, backfill = true, fired_at = onward.now()
    where known.result = 'skipped'
