-- All of them first, so that an endpoint may move from one workflow of the deploy to another.
delete from onward.trigger where workflow = any($1::text[])
