-- Whether the slot is held.
select held as "held!" from onward.slot where key = $1 and run_id = $2 and path = $3 and attempt = $4
