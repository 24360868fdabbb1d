-- Does the last run of each of these triggers go on, and how many of its fires wait for the end of it? In a statement
-- after the one that locked the triggers: what another process has started before that is visible only now.
select n.place as "place!",
    exists (select from onward.job j where j.run_id = t.last_run_id and j.path = '') as "active!",
    (
        select count(*) from onward.fire f
        where f.workflow = t.workflow and f.trigger_id = t.id and f.result = 'waiting' and not f.backfill
    ) as "waiting!"
from unnest($1::text[], $2::text[]) with ordinality as n (workflow, id, place)
join onward.trigger t on t.workflow = n.workflow and t.id = n.id
order by n.place
