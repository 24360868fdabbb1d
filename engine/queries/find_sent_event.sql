-- What an event that was sent before has done.
select woke as "woke!", started, received_at as "received_at!" from onward.event where id = $1
