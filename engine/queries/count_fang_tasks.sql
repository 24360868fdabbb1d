-- What stays where it is: rows in progress, as far as they are too young, and rows that have ended. Not checked at
-- compile time: the table is not ours.
select
    count(*) filter (
        where t.state::text = 'in_progress'
            and ($1::int is null or t.updated_at >= now() - make_interval(mins => $1))
    ) as in_progress,
    count(*) filter (where t.state::text in ('failed', 'finished')) as ended
from fang_tasks t
