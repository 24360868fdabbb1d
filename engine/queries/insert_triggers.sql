-- The triggers of all deployed workflows in one statement, in (workflow, id) order.
insert into onward.trigger
    (workflow, id, kind, enabled, schedule, timezone, next_at, last_run_id, endpoint, authenticated,
    rules, nominal_at, paused_at, paused_until, event)
select
    n.workflow, n.id, n.kind::onward.trigger_kind, n.enabled, n.schedule, n.timezone, n.next_at, n.last_run_id,
    n.endpoint, n.authenticated, n.rules::json, n.nominal_at, n.paused_at, n.paused_until, n.event
from unnest(
    $1::text[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::timestamptz[], $8::uuid[],
    $9::text[], $10::bool[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
    $15::text[]
) as n (workflow, id, kind, enabled, schedule, timezone, next_at, last_run_id, endpoint, authenticated,
    rules, nominal_at, paused_at, paused_until, event)
order by n.workflow, n.id
