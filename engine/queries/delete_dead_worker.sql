-- Waits, never skips: the dead worker's batch in flight holds its row, and everything it sends after this fails.
delete from onward.worker where id = $1 and heartbeat_at < onward.now() - make_interval(secs => $2)
