-- Takes the keys of one start batch, sorted, without waiting: a key that is not obtained goes to the next batch.
-- A statement of its own: the insert that follows must see what the previous holder of a key has committed.
select k.place as "place!", pg_try_advisory_xact_lock(k.hash) as "held!"
from (
    select place, hashtextextended(scope || E'\n' || key, 0) as hash
    from unnest($1::text[], $2::text[]) with ordinality as s (scope, key, place)
    order by 2
    offset 0
) k
