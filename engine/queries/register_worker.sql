-- A worker's row is its right to write.
insert into onward.worker (id, host, pid, version, queues, seats, step_types)
values ($1, $2, $3, $4, $5, $6, $7)
