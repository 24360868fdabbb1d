-- What a pruning deploy does with the workflows it does not name; their runs go on.
update onward.workflow set enabled = false, updated_at = onward.now() where id = any($1::text[])
