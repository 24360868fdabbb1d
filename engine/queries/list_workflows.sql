-- One page of workflows by id. A null filter lets everything through.
select w.id, w.name, w.version, w.enabled, w.created_at, w.updated_at
from onward.workflow w
where w.id > $1 and ($2::bool is null or w.enabled = $2)
order by w.id
limit $3
