-- The event's triggers have been looked at.
update onward.event set started = $2 where id = $1 and started is null
