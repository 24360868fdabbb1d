-- A workflow with the document of one version: the asked one, or the newest.
select
    w.id, w.name, w.enabled, w.version as newest_version, w.updated_at,
    v.version, v.format::text as "format!", v.document, v.created_at, v.created_by
from onward.workflow w
join onward.workflow_version v on v.workflow = w.id and v.version = coalesce($2::int, w.version)
where w.id = $1
