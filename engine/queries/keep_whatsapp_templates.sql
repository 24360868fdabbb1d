-- The templates of the account, as a whole: what is not among them is gone.
with gone as (
    delete from onward.whatsapp_template t
    where not exists (
        select from unnest($1::text[], $2::text[]) as l (name, language) where l.name = t.name and l.language = t.language
    )
)
insert into onward.whatsapp_template as known
    (name, language, status, category, params, header, components, quality, rejected_reason, correct_category)
select l.name, l.language, l.status, l.category, l.params, l.header, l.components::json, l.quality, l.reason, l.correct
from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]
) as l (name, language, status, category, params, header, components, quality, reason, correct)
on conflict (name, language) do update
    set status = excluded.status,
        category = excluded.category,
        params = excluded.params,
        header = excluded.header,
        components = excluded.components,
        quality = excluded.quality,
        rejected_reason = excluded.rejected_reason,
        correct_category = excluded.correct_category,
        synced_at = onward.now()
