-- An output that is still fresh.
select output::text as "output!" from onward.cached where key = $1 and expires_at > onward.now()
