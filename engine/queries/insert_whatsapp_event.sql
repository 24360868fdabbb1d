-- A report; one that has come before stays as it is.
insert into onward.whatsapp_webhook_events (dedup_key, event_id, name, key, message_id, phone, data)
values ($1, $2, $3, $4, $5, $6, $7::text::json)
on conflict (dedup_key) do nothing
