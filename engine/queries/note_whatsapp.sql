-- Remembers a message before it leaves; its id, once it is known, stays.
insert into onward.whatsapp_message as known (correlation_key, phone, template, message_id, run_id, path)
values ($1, $2, $3, $4, $5, $6)
on conflict (correlation_key) do update
    set phone = excluded.phone,
        template = excluded.template,
        message_id = coalesce(known.message_id, excluded.message_id),
        noted_at = case when excluded.message_id is null then onward.now() else known.noted_at end
