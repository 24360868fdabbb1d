-- Who did what.
insert into onward.audit (actor, action, run_id, path, detail)
values ($1, $2, $3, $4, $5::text::json)
