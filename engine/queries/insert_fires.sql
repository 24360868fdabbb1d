-- The primary key (trigger, nominal instant) makes a fire happen once, whoever fires it.
insert into onward.fire (workflow, trigger_id, nominal_at, result, run_id, reason, instants)
select f.workflow, f.trigger_id, f.nominal_at, f.result::onward.fire_result, f.run_id, f.reason, f.instants
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[], $7::int[])
    as f (workflow, trigger_id, nominal_at, result, run_id, reason, instants)
on conflict (workflow, trigger_id, nominal_at) do nothing
returning workflow as "workflow!", trigger_id as "trigger_id!", nominal_at as "nominal_at!"
