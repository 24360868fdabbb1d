-- Sets a secret, or replaces its value. A new name finds no room once there are $5 others; then no row comes back.
insert into onward.secret as s (name, sealed, key_id, updated_by)
select $1, $2, $3, $4
where exists (select 1 from onward.secret where name = $1) or (select count(*) from onward.secret) < $5::bigint
on conflict (name) do update
set sealed = excluded.sealed, key_id = excluded.key_id, updated_by = excluded.updated_by, updated_at = onward.now()
returning created_at, updated_at
