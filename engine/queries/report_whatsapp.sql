-- What is known of a message only ever grows: reports come late, twice and out of order.
update onward.whatsapp_message m
set status = case
        when array_position(array['noted', 'sent', 'delivered', 'read', 'failed'], $2)
            > array_position(array['noted', 'sent', 'delivered', 'read', 'failed'], m.status)
        then $2
        else m.status
    end,
    message_id = coalesce(m.message_id, $6),
    sent_at = case when $2 = 'sent' then coalesce(m.sent_at, $3) else m.sent_at end,
    delivered_at = case when $2 = 'delivered' then coalesce(m.delivered_at, $3) else m.delivered_at end,
    read_at = case when $2 = 'read' then coalesce(m.read_at, $3) else m.read_at end,
    failed_at = case when $2 = 'failed' then coalesce(m.failed_at, $3) else m.failed_at end,
    failure = coalesce(m.failure, $4),
    pricing = coalesce(m.pricing, $5::text::json)
where m.correlation_key = $1
