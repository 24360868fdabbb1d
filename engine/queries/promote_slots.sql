-- Waiters become holders while there is room, by priority, then by age.
with room as (
    select max(s."limit") - count(*) filter (where s.held) as free from onward.slot s where s.key = $1
),
next as (
    select s.run_id, s.path, s.attempt
    from onward.slot s
    where s.key = $1 and not s.held
    order by s.priority, s.since, s.run_id, s.path
    limit greatest((select free from room), 0)
)
update onward.slot s
set held = true, since = onward.now()
from next n
where s.key = $1 and s.run_id = n.run_id and s.path = n.path and s.attempt = n.attempt
returning s.run_id as "run_id!"
