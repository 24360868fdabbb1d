-- Creates the missing partitions, some weeks ahead.
select onward.keep_partitions($1) as "made!"
