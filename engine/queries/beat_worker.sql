-- No row: this worker was reaped and has lost everything it held. Not a key column, so it never waits for a fence.
-- The answer names the server: after a failover acknowledged work may be missing, and what is held is worth nothing.
update onward.worker
set heartbeat_at = onward.now()
where id = $1
returning
    (select s.system_identifier from pg_control_system() s) as "system!",
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as "timeline!"
