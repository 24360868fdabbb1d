-- The workflows that a pruning deploy does not name and that could still start something.
select w.id, w.name, w.version
from onward.workflow w
where w.id <> all($1::text[])
    and (w.enabled or exists (select from onward.trigger t where t.workflow = w.id))
order by w.id
limit $2
