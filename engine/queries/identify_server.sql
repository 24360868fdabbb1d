-- Which server is this? Asked once for each new connection. The timeline is that of the log being written, which is
-- known at once after a promotion; a standby writes none.
select
    pg_is_in_recovery() as "in_recovery!",
    s.system_identifier as "system!",
    case
        when pg_is_in_recovery() then 0
        else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
    end as "timeline!"
from pg_control_system() s
