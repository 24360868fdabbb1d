-- The secret itself is stored nowhere.
insert into onward.api_key (id, name, key_id, hash, hash_version, scopes, expires_at)
values ($1, $2, $3, $4, 1, $5, $6)
returning created_at
