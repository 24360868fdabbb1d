-- Rates whose next place lies ahead, and keys that somebody holds or waits for.
select r.key as "key!", 'rate' as "kind!", r.next_at as "next_at?", null::int as "limit?", null::bigint as "held?", null::bigint as "waiting?"
from onward.rate r
where r.next_at > onward.now()
union all
select s.key, 'slots', null, max(s."limit"), count(*) filter (where s.held), count(*) filter (where not s.held)
from onward.slot s
group by s.key
order by 1
limit $1
