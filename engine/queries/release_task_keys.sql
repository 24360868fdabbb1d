-- Keys of tasks that have ended hold nothing any more. A bounded number at a time, those that were written first.
with ended as (
    select i.scope, i.key
    from onward.idempotency i
    where i.scope = $1
        and not exists (select from onward.job j where j.run_id = i.run_id and j.path = '' and j.cancel_requested_at is null)
    order by i.created_at
    limit $2
    for update of i skip locked
)
delete from onward.idempotency i
using ended e
where i.scope = e.scope and i.key = e.key
