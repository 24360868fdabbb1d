-- In the transaction of the effect. Only an expired row can be in the way.
insert into onward.idempotency (scope, key, request_hash, answer, expires_at)
values ($1, $2, $3, $4::text::json, onward.now() + make_interval(secs => $5))
on conflict (scope, key) do update
    set request_hash = excluded.request_hash, run_id = null, answer = excluded.answer,
        created_at = onward.now(), expires_at = excluded.expires_at
    where onward.idempotency.expires_at <= onward.now()
