-- The keys that a path of a run, or the whole run, holds or waits for.
select distinct key as "key!" from onward.slot where run_id = $1 and ($2::text is null or path = $2) order by key
