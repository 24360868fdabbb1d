-- The fire that each of these locked triggers starts next: none while its last run goes on. Those of a backfill come
-- after the others. In a statement of its own, like `read_activity`.
select n.place as "place!", f.nominal_at as "nominal_at!"
from unnest($1::text[], $2::text[]) with ordinality as n (workflow, id, place)
join onward.trigger t on t.workflow = n.workflow and t.id = n.id
cross join lateral (
    select f.nominal_at
    from onward.fire f
    where f.workflow = t.workflow and f.trigger_id = t.id and f.result = 'waiting'
    order by f.backfill, f.nominal_at
    limit 1
) f
where not exists (select from onward.job j where j.run_id = t.last_run_id and j.path = '')
order by n.place
