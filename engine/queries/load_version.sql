-- One immutable version's document.
select format::text as "format!", document from onward.workflow_version where workflow = $1 and version = $2
