-- Waits and events of one name look for each other only while no other is between its lock and its commit: waits hold
-- the lock together, an event alone. In order, so that two of them cannot wait for each other.
select count(*) as "locked!"
from (
    select case when $2 then pg_advisory_xact_lock(bucket) else pg_advisory_xact_lock_shared(bucket) end
    from unnest($1::bigint[]) as b (bucket)
    order by bucket
) held
