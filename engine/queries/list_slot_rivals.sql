-- Other runs that hold this key, or wait for it.
select distinct run_id as "run_id!", held as "held!" from onward.slot where key = $1 and run_id <> $2 and path = ''
