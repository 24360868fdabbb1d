-- What has been asked of a routed step that is this worker's, and of its run.
select j.cancel_requested_at is not null as "recalled!", p.attempt as "attempt!",
    exists (
        select from onward.pending s
        where s.run_id = j.run_id and s.path = j.path and s.attempt = p.attempt and s.kind = 'started'
    ) as "begun!",
    r.cancel_requested_at as "cancel_requested_at?", coalesce(r.cancel_undo, false) as "cancel_undo!"
from onward.job j
join onward.pending p on p.run_id = j.run_id and p.path = j.path and p.kind = 'routed' and p.outcome is null
left join onward.job r on r.run_id = j.run_id and r.path = ''
where j.run_id = $1 and j.path = $2 and j.worker_id = $3
order by p.attempt desc
limit 1
