-- Results of another run that a replay takes over. The id of a step is what its path ends in.
insert into onward.checkpoint (run_id, path, attempt, status, output, error, started_at, finished_at, settled_by)
select $2, c.path, c.attempt, c.status, c.output, c.error, c.started_at, c.finished_at, $4
from onward.checkpoint c
where c.run_id = $1
    and regexp_replace(regexp_replace(c.path, '^.*[./]', ''), '\[.*$', '') = any($3::text[])
    and c.path not like '%~undo'
