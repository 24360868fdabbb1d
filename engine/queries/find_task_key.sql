-- The unfinished task that holds a key: one per canonical text.
select i.run_id as "run_id!"
from onward.idempotency i
where i.scope = $1 and i.key = $2
    and exists (select from onward.job j where j.run_id = i.run_id and j.path = '' and j.cancel_requested_at is null)
