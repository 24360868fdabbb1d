-- Which server is this? Asked once for each new connection.
select
    pg_is_in_recovery() as "in_recovery!",
    s.system_identifier as "system!",
    c.timeline_id as "timeline!"
from pg_control_system() s, pg_control_checkpoint() c
