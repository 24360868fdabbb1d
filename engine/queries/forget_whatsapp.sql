-- A message that did not leave: no report is of it.
delete from onward.whatsapp_message where correlation_key = $1 and message_id is null
