-- What a path of a run, or the whole run, held or waited for.
delete from onward.slot where run_id = $1 and ($2::text is null or path = $2)
