-- How a run has ended, if it has.
select status::text as "status?", output::text as "output?", error::text as "error?", finished_at from onward.run where id = $1
