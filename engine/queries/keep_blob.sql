-- Keeps a file; one that is there already stays for longer.
insert into onward.blob as known (hash, media_type, bytes, expires_at)
values ($1, $2, $3, onward.now() + make_interval(secs => $4))
on conflict (hash) do update set expires_at = greatest(known.expires_at, excluded.expires_at)
