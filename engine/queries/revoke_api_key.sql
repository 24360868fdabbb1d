-- The first revocation counts.
update onward.api_key set revoked_at = coalesce(revoked_at, onward.now())
where id = $1
returning id, name, key_id, scopes, created_at, expires_at, revoked_at, last_used_at
