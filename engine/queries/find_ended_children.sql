-- Runs that wait for a child that has ended: its wake-up was lost.
select distinct p.run_id as "run_id!"
from onward.pending p
join onward.run child on child.parent_run_id = p.run_id and child.status is not null
join onward.job j on j.run_id = p.run_id and j.path = '' and j.worker_id is null and j.due_at > onward.now()
where p.kind = 'child' and p.name = child.id::text
limit $1
