-- A job whose run does not exist carries nothing.
delete from onward.job where run_id = $1 and worker_id = $2
