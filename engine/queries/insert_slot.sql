-- Asks for a slot; a path that has asked before keeps its place.
with known as (
    update onward.slot set "limit" = $6 where key = $1
)
insert into onward.slot (key, run_id, path, attempt, priority, "limit")
values ($1, $2, $3, $4, $5::text::onward.priority, $6)
on conflict do nothing
