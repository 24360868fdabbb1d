-- Events whose triggers nobody has finished looking at.
select id as "id!", name as "name!", key, data::text as "data!", depth as "depth!", run_id, received_at as "received_at!"
from onward.event
where started is null and received_at < onward.now() - make_interval(secs => $1)
order by received_at
limit $2
