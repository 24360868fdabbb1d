-- The message to this number that left last before it was reported: it gets the id.
update onward.whatsapp_message m
set message_id = $1
where m.correlation_key = (
    select n.correlation_key
    from onward.whatsapp_message n
    where n.phone = $2
        and n.message_id is null
        and n.noted_at between $3::timestamptz - make_interval(secs => $4) and $3::timestamptz + make_interval(secs => $5)
    order by n.noted_at desc
    limit 1
    for update
)
returning m.correlation_key
