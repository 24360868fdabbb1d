-- A version is written once and never changed.
insert into onward.workflow_version (workflow, version, format, document, document_hash, secrets, created_by)
values ($1, $2, $3::text::onward.document_format, $4, $5, $6, $7)
