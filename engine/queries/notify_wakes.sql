-- One notification for each thing that changed, outside the transaction that changed it: inside, it would hold a
-- database-wide lock at commit.
select pg_notify('onward_wake', w.name) from unnest($1::text[]) as w (name)
