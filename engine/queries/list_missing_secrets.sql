-- Secrets that active workflows declare and nobody has set.
select d.name as "name!", array_agg(d.workflow order by d.workflow) as "workflows!"
from (
    select unnest(v.secrets) as name, w.id as workflow
    from onward.workflow w
    join onward.workflow_version v on v.workflow = w.id and v.version = w.version
    where w.enabled
) d
where not exists (select 1 from onward.secret s where s.name = d.name)
group by d.name
order by d.name
