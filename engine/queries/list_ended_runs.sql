-- The newest runs of a workflow that have ended.
select id as "id!" from onward.run where workflow = $1 and status is not null order by id desc limit $2
