-- Takes the next place of a rate: the instants are `step` seconds apart, and up to `burst` seconds of them may be used
-- at once after a pause.
insert into onward.rate as known (key, next_at)
values ($1, onward.now() - make_interval(secs => $3) + make_interval(secs => $2))
on conflict (key) do update
    set next_at = greatest(known.next_at, onward.now() - make_interval(secs => $3)) + make_interval(secs => $2)
returning next_at - make_interval(secs => $2) as "at!"
