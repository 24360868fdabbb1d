-- A file by what is in it.
select media_type, bytes from onward.blob where hash = $1 and expires_at > onward.now()
