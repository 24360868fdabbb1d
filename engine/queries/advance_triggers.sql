-- Each fired trigger moves on; null means that its schedule has no next time.
update onward.trigger t
set nominal_at = a.nominal_at, next_at = a.next_at, last_run_id = coalesce(a.run_id, t.last_run_id)
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
    as a (workflow, id, nominal_at, next_at, run_id)
where t.workflow = a.workflow and t.id = a.id
