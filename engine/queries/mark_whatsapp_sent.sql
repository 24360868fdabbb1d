-- Runs have been told.
update onward.whatsapp_webhook_events set sent_at = onward.now(), key = $2 where dedup_key = $1
