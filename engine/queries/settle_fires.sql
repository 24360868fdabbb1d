-- What became of fires that waited.
update onward.fire f
set result = case when s.run_id is null then 'skipped' else 'started' end::onward.fire_result,
    run_id = s.run_id, reason = s.reason, fired_at = onward.now()
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[])
    as s (workflow, trigger_id, nominal_at, run_id, reason)
where f.workflow = s.workflow and f.trigger_id = s.trigger_id and f.nominal_at = s.nominal_at and f.result = 'waiting'
returning f.workflow as "workflow!", f.trigger_id as "trigger_id!"
