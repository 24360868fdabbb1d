-- By the public part of a presented key; whether it is still good is judged in one place, by the caller.
select
    k.id, k.name, k.key_id, k.hash, k.hash_version, k.scopes, k.expires_at,
    (k.expires_at <= onward.now()) as expired, (k.revoked_at is not null) as "revoked!"
from onward.api_key k
where k.key_id = $1
