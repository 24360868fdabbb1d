-- Gives up the key of a task that has ended, or was asked to, so that an equal one may be enqueued. Naming the run makes it safe beside
-- somebody who does the same and enqueues first: the row is another one then.
delete from onward.idempotency i
where i.scope = $1 and i.key = $2 and ($3::uuid is null or i.run_id = $3)
    and not exists (select from onward.job j where j.run_id = i.run_id and j.path = '' and j.cancel_requested_at is null)
