-- What nobody asks about any more: reports, and messages that have not been heard of since.
with reports as (
    delete from onward.whatsapp_webhook_events
    where dedup_key in (
        select dedup_key from onward.whatsapp_webhook_events
        where received_at < onward.now() - make_interval(secs => $1)
        order by received_at
        limit $2
    )
)
delete from onward.whatsapp_message
where correlation_key in (
    select correlation_key from onward.whatsapp_message
    where noted_at < onward.now() - make_interval(secs => $1)
    order by noted_at
    limit $2
)
