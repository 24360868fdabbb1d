-- At most once a minute: a busy key must not turn every request into a write.
update onward.api_key set last_used_at = onward.now()
where id = $1 and (last_used_at is null or last_used_at < onward.now() - interval '1 minute')
