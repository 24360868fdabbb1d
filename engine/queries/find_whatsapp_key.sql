-- The key of a message by the name that its sender gave it, or by Meta's id.
select correlation_key from onward.whatsapp_message
where correlation_key = $1 or message_id = $2
order by (correlation_key = $1) desc
limit 1
