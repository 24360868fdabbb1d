-- Sends that wait for a person although their message has been reported since.
select m.correlation_key, m.message_id, m.phone
from onward.pending p
join onward.whatsapp_message m on m.run_id = p.run_id and m.path = p.path
where p.kind = 'person' and m.message_id is not null and m.status <> 'noted'
limit $1
