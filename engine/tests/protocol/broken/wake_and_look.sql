-- Counts a wake and reads what happened to the run at once: the count is the newest, the flag as old as the snapshot.
with woken as (
    update onward.job set wakes = wakes + 1 where run_id = $1 returning wakes
)
select w.wakes, (select j.cancel_requested_at is not null from onward.job j where j.run_id = $1)
from woken w
