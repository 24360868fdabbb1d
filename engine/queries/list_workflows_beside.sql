-- The workflows that a pruning deploy does not name and that could still start something. Those that a program has made
-- for its tasks are nobody's documents, and stay.
select w.id, w.name, w.version
from onward.workflow w
where w.id <> all($1::text[])
    and not exists (
        select from onward.workflow_version v
        where v.workflow = w.id and v.version = w.version and v.created_by = $3
    )
    and (w.enabled or exists (select from onward.trigger t where t.workflow = w.id))
order by w.id
limit $2
