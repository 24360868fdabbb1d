-- Each fired trigger moves on; null means that its schedule has no next time.
update onward.trigger t
set next_at = a.next_at, last_run_id = coalesce(a.run_id, t.last_run_id)
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::uuid[]) as a (workflow, id, next_at, run_id)
where t.workflow = a.workflow and t.id = a.id
