-- Which of the names are set.
select name from onward.secret where name = any($1::text[])
