-- False while another transaction works on the same key; it is not waited for.
select pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 1)) as "locked!"
