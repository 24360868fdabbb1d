-- The one way out of an end: a failed run goes on.
update onward.run
set status = null, output = null, error = null, not_undone = null, finished_at = null, failed_at = null
where id = $1 and status = 'failed'
