-- An endpoint that a workflow outside of this deploy already answers.
select t.endpoint as "endpoint!", t.workflow
from onward.trigger t
where t.endpoint = any($1::text[]) and t.workflow <> all($2::text[])
order by t.endpoint
limit 1
