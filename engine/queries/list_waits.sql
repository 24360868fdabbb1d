-- What a run waits for. Rows of kind `started` are announcements of an effect, not waits.
select p.path, p.attempt, p.kind::text as "kind!", p.due_at, nullif(p.name, '') as name, p.key
from onward.pending p
where p.run_id = $1 and p.kind <> 'started'
order by p.due_at nulls last, p.path
limit $2
