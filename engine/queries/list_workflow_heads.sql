-- What a deploy compares its documents with: the newest version of each named workflow.
select w.id, w.version, w.enabled, v.document_hash
from onward.workflow w
join onward.workflow_version v on v.workflow = w.id and v.version = w.version
where w.id = any($1::text[])
order by w.id
