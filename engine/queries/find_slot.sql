-- Since when the slot is held, if it is.
select case when held then since end as since from onward.slot where key = $1 and run_id = $2 and path = $3 and attempt = $4
