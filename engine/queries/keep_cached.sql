-- Keeps an output for a while.
insert into onward.cached (key, output, expires_at)
values ($1, $2::text::json, onward.now() + make_interval(secs => $3))
on conflict (key) do update set output = excluded.output, created_at = onward.now(), expires_at = excluded.expires_at
