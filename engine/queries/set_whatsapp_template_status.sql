-- What Meta says about a template now.
update onward.whatsapp_template
set status = $3, rejected_reason = coalesce($4, rejected_reason), synced_at = onward.now()
where name = $1 and language = $2
