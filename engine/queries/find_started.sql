-- After a start batch whose answer was lost: which of its runs exist? Ids are made by the client, so this settles it.
select id as "id!" from onward.run where id = any($1::uuid[])
