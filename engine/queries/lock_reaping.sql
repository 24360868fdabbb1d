-- Keeps two reapers of the same worker apart.
select pg_try_advisory_xact_lock(hashtextextended('onward.reap', 0) # ('x' || right(replace($1::uuid::text, '-', ''), 16))::bit(64)::bigint) as "held!"
