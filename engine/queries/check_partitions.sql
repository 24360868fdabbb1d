-- Whether runs of the next week have a place to go: a partition that is there and attached.
select
    bool_and(
        exists (
            select
            from pg_inherits i
            join pg_class c on c.oid = i.inhrelid
            where i.inhparent = ('onward.' || p.parent)::regclass
                and c.relname = p.parent || '_' || to_char(n.week at time zone 'UTC', 'YYYYMMDD')
        )
    ) as "there!"
from (values ('run'), ('checkpoint')) as p (parent)
cross join (select onward.week_of(onward.now() + interval '1 week') as week) n
