-- Keys with waiters, and keys that something holds which is over.
select distinct s.key as "key!"
from onward.slot s
where not s.held
    or not exists (select from onward.job j where j.run_id = s.run_id and j.path = '')
    or exists (
        select from onward.checkpoint c where c.run_id = s.run_id and c.path = s.path and c.attempt >= s.attempt
    )
limit $1
