-- What belonged to the end that is taken back.
delete from onward.checkpoint where run_id = $1 and path = any($2::text[])
