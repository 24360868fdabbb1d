-- The next place of a rate is so many seconds away, or as far as it was.
insert into onward.rate as known (key, next_at)
values ($1, onward.now() + make_interval(secs => $2))
on conflict (key) do update
    set next_at = greatest(known.next_at, onward.now() + make_interval(secs => $2))
