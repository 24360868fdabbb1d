-- What the event has done so far.
update onward.event set woke = $2 where id = $1
