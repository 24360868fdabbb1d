-- Ends a pause that goes on. Its two ends stay: what was due between them is not caught up.
update onward.trigger
set paused_until = onward.now()
where workflow = $1 and id = $2 and paused_at is not null and (paused_until is null or paused_until > onward.now())
