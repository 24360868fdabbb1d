-- The fence, as the first lock of a transaction: a worker may write only while its row exists.
select id as "id!" from onward.worker where id = $1 for key share
