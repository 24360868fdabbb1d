-- Outputs that nobody may use any more.
delete from onward.cached
where key in (select key from onward.cached where expires_at <= onward.now() limit $1)
