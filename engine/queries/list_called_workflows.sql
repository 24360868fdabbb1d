-- The newest documents of workflows that others call, to hold the calls against their inputs.
select w.id, v.format::text as "format!", v.document
from onward.workflow w
join onward.workflow_version v on v.workflow = w.id and v.version = w.version
where w.id = any($1::text[])
