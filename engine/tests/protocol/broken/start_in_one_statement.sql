-- Takes the key's lock, claims the key and reads who has it, all under one snapshot.
with locked as materialized (
    select pg_advisory_xact_lock(hashtextextended($1, 0)) is not null as held
),
won as (
    insert into onward.idempotency (scope, key, request_hash, run_id, expires_at)
    select 'test', $1, ''::bytea, $2, onward.now() + interval '1 day'
    from locked
    on conflict (scope, key) do nothing
    returning run_id
)
select
    exists (select from won),
    (select i.run_id from onward.idempotency i where i.scope = 'test' and i.key = $1)
from locked
