-- Files that nobody can fetch any more.
delete from onward.blob
where hash in (select hash from onward.blob where expires_at <= onward.now() limit $1)
