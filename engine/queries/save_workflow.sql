-- The name, the newest version and the switch of a deployed workflow.
insert into onward.workflow (id, name, version, enabled)
values ($1, $2, $3, $4)
on conflict (id) do update
    set name = excluded.name, version = excluded.version, enabled = excluded.enabled, updated_at = onward.now()
