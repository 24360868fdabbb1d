-- One event with what it carried and what it has done.
select id as "id!", name as "name!", key, data::text as "data!", run_id, received_at as "received_at!", woke as "woke!", started
from onward.event
where id = $1
