-- Idempotency keys that promise nothing any more, a bounded number at a time.
with expired as (
    select scope, key
    from onward.idempotency
    where expires_at < onward.now()
    order by expires_at
    limit $1
    for update skip locked
)
delete from onward.idempotency i
using expired e
where i.scope = e.scope and i.key = e.key
