-- The active workflows whose newest version declares the secret.
select w.id
from onward.workflow w
join onward.workflow_version v on v.workflow = w.id and v.version = w.version
where w.enabled and $1 = any(v.secrets)
order by w.id
