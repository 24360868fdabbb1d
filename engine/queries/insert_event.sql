-- An event; sending it again changes nothing.
insert into onward.event (id, name, key, data, depth, run_id)
values ($1, $2, $3, $4::text::json, $5, $6)
on conflict (id) do nothing
returning received_at as "received_at!"
