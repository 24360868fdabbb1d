-- Takes a secret away, whoever had set it.
delete from onward.secret where name = $1
