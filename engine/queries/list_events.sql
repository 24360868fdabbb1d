-- One page of events, newest first, by the primary key. Null filters let everything through. An id may be older than its
-- event by as much as a sender may choose it, so the floor of the ids only narrows what is read.
select e.id as "id!", e.name as "name!", e.key, e.run_id, e.received_at as "received_at!", e.woke as "woke!", e.started
from onward.event e
where e.id < $1
    and e.id >= $2
    and ($3::text is null or e.name = $3)
    and ($4::text is null or e.key = $4)
    and ($5::timestamptz is null or e.received_at >= $5)
    and ($6::timestamptz is null or e.received_at < $6)
order by e.id desc
limit $7
