-- The answer that was given for this key, while it is remembered.
select i.request_hash, i.answer::text as answer
from onward.idempotency i
where i.scope = $1 and i.key = $2 and i.expires_at > onward.now()
