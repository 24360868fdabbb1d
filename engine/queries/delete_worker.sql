-- A worker that has handed everything back leaves.
delete from onward.worker where id = $1
