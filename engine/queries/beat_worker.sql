-- No row: this worker was reaped and has lost everything it held. Not a key column, so it never waits for a fence.
update onward.worker set heartbeat_at = onward.now() where id = $1
