-- The sealed values of the named secrets; what is not set has no row.
select name, sealed, key_id from onward.secret where name = any($1::text[])
