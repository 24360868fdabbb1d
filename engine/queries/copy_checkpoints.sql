-- Results of another run that a replay takes over. The id of a step is what its path ends in. What the other run has failed
-- with is left out, as are the blocks and items around it: it runs again.
insert into onward.checkpoint (run_id, path, attempt, status, output, error, started_at, finished_at, settled_by)
select $2, c.path, c.attempt, c.status, c.output, c.error, c.started_at, c.finished_at, $4
from onward.checkpoint c
cross join (select coalesce(r.error ->> 'step', '') as step from onward.run r where r.id = $1) failed
where c.run_id = $1
    and regexp_replace(regexp_replace(c.path, '^.*[./]', ''), '\[.*$', '') = any($3::text[])
    and c.path not like '%~undo'
    and c.path <> failed.step
    and not starts_with(failed.step, c.path || '.')
    and not starts_with(failed.step, c.path || '#')
