-- One deploy at a time: version numbers and endpoints are compared and written without anybody in between. Pauses and
-- backfills take their turn too, because a deploy replaces the rows that they write to.
select pg_advisory_xact_lock(hashtextextended('onward.deploy', 0)) as "locked!: ()", onward.now() as "now!"
