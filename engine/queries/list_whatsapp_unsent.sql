-- Reports that no run has been told yet: this one, and the others of its message.
select dedup_key, event_id, name, data::text as "data!"
from onward.whatsapp_webhook_events
where sent_at is null and (dedup_key = $1 or message_id = $2)
order by received_at, dedup_key
