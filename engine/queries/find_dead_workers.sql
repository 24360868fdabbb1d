-- Workers that have not been heard of for longer than the lease.
select id as "id!" from onward.worker where heartbeat_at < onward.now() - make_interval(secs => $1) order by id limit $2
