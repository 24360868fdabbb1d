-- Whether runs of the next week have a place to go.
select bool_and(to_regclass('onward.' || p.parent || '_' || to_char(n.week at time zone 'UTC', 'YYYYMMDD')) is not null)
    as "there!"
from (values ('run'), ('checkpoint')) as p (parent)
cross join (select onward.week_of(onward.now() + interval '1 week') as week) n
