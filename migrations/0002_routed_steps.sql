-- A routed step's row in `pending` says in which queue it is (`name`) and, once a worker there has carried it out, what it
-- came to. The run's owner reads that and writes the checkpoint, so that one process alone decides what follows from what.

alter table onward.pending
    add column outcome json,
    add column started_at timestamptz,
    add column finished_at timestamptz,
    drop constraint pending_deadline,
    add constraint pending_deadline check ((due_at is null) = (kind in ('started', 'routed'))),
    add constraint pending_outcome check (
        (outcome is null) = (finished_at is null)
        and (finished_at is null) = (started_at is null)
        and (outcome is null or kind = 'routed')
    ),
    add constraint pending_outcome_size check (octet_length(outcome::text) <= 10551296);
