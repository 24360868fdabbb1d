-- A routed step that its run does not wait for any more.
with me as materialized (
    select w.id from onward.worker w where w.id = $1 for key share
)
delete from onward.job j using me where j.run_id = $2 and j.path = $3 and j.worker_id = me.id
