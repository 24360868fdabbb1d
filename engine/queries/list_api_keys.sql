-- Newest first; revoked keys stay, so that one can still see who they were.
select k.id, k.name, k.key_id, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at
from onward.api_key k
where k.id < $1
order by k.id desc
limit $2
