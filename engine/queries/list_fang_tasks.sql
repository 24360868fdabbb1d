-- Unfinished rows of fang's own table, a page of them: what waits, and what has been in progress for longer than $2
-- minutes, which is for ever in a table that knows no leases. Not checked at compile time: the table is not ours.
select t.id, t.metadata, t.task_type, t.uniq_hash is not null as is_unique, t.scheduled_at
from fang_tasks t
where t.id > $1
    and (
        t.state::text in ('new', 'retried')
        or t.state::text = 'in_progress' and t.updated_at < now() - make_interval(mins => $2)
    )
order by t.id
limit $3
