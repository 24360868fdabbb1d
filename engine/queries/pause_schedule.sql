-- From now on what is due is recorded and not run, until $3 or until somebody resumes it.
update onward.trigger set paused_at = onward.now(), paused_until = $3 where workflow = $1 and id = $2
