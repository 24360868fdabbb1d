-- All secrets without their values, and which active workflows declare them.
select
    s.name,
    s.created_at,
    s.updated_at,
    s.updated_by,
    s.key_id = $1 as "readable",
    array(
        select w.id
        from onward.workflow w
        join onward.workflow_version v on v.workflow = w.id and v.version = w.version
        where w.enabled and s.name = any(v.secrets)
        order by w.id
    ) as "used_by!"
from onward.secret s
order by s.name
limit $2
