-- The tables of Onward. Payloads are `json` (text as our own serialiser wrote it), never `jsonb`: a hostile number stored
-- as jsonb can make a row unreadable. Hot tables carry no foreign keys; the invariants between them are tested views.

create schema if not exists onward;

-- The only clock. A test database replaces this function by one that can be moved; production's is fixed.
-- `stable` and one expression, so that it is inlined and can bound an index scan.
create function onward.now() returns timestamptz
language sql stable parallel safe
as $$ select statement_timestamp() $$;

create type onward.run_status as enum ('succeeded', 'failed', 'canceled');
create type onward.checkpoint_status as enum ('retrying', 'succeeded', 'failed', 'skipped', 'ambiguous');
create type onward.pending_kind as enum ('started', 'timer', 'retry', 'event', 'child', 'routed', 'slot', 'person');
create type onward.trigger_kind as enum ('cron', 'webhook', 'event', 'manual');
create type onward.fire_result as enum ('started', 'skipped', 'waiting');
create type onward.document_format as enum ('json', 'yaml');
-- In claiming order.
create type onward.priority as enum ('critical', 'high', 'normal', 'low');

create table onward.workflow (
    id text primary key,
    name text not null,
    -- The newest version; runs pin the one they started with.
    version int not null,
    enabled boolean not null,
    created_at timestamptz not null default onward.now(),
    updated_at timestamptz not null default onward.now(),
    constraint workflow_id_form check (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    constraint workflow_version_positive check (version >= 1)
);

-- Immutable.
create table onward.workflow_version (
    workflow text not null references onward.workflow (id) on delete cascade,
    version int not null,
    format onward.document_format not null,
    document text not null,
    document_hash bytea not null,
    -- The names of the secrets that it declares.
    secrets text[] not null,
    created_at timestamptz not null default onward.now(),
    created_by text not null,
    primary key (workflow, version),
    constraint workflow_version_document_size check (octet_length(document) <= 262144)
);

create table onward.trigger (
    workflow text not null references onward.workflow (id) on delete cascade,
    id text not null,
    kind onward.trigger_kind not null,
    enabled boolean not null,
    -- cron
    schedule text,
    timezone text,
    -- Jitter, overlap, catch-up and bounds, as the checker has read them.
    rules json,
    -- The next instant of the schedule, and when that is due: later by its jitter.
    nominal_at timestamptz,
    next_at timestamptz,
    -- The last pause; what is due in it is recorded and not run. Without an end it still goes on.
    paused_at timestamptz,
    paused_until timestamptz,
    last_run_id uuid,
    -- webhook
    endpoint text,
    authenticated boolean not null default true,
    -- event: a name, or the beginning of names and `*`
    event text,
    primary key (workflow, id),
    constraint trigger_cron_schedule
        check ((kind = 'cron') = (schedule is not null and timezone is not null and rules is not null)),
    constraint trigger_cron_next check (next_at is null or (kind = 'cron' and enabled)),
    constraint trigger_cron_nominal check ((next_at is null) = (nominal_at is null) and next_at >= nominal_at),
    constraint trigger_cron_pause check (paused_at is null and paused_until is null or paused_at is not null and kind = 'cron'),
    constraint trigger_webhook_endpoint check ((kind = 'webhook') = (endpoint is not null)),
    constraint trigger_event_name check ((kind = 'event') = (event is not null))
);

create unique index trigger_endpoint on onward.trigger (endpoint) where endpoint is not null;
create index trigger_event on onward.trigger (event) where event is not null;
create index trigger_due on onward.trigger (next_at) where next_at is not null;

-- One row a nominal instant: what became of it. The primary key is what makes a fire happen once.
create table onward.fire (
    workflow text not null,
    trigger_id text not null,
    nominal_at timestamptz not null,
    result onward.fire_result not null,
    run_id uuid,
    reason text,
    -- How many skipped instants, from this one on, the row stands for: after a long time they are not told one by one.
    instants int not null default 1,
    -- A person asked for it afterwards.
    backfill boolean not null default false,
    fired_at timestamptz not null default onward.now(),
    primary key (workflow, trigger_id, nominal_at),
    constraint fire_instants check (instants >= 1),
    constraint fire_result_run check ((result = 'started') = (run_id is not null)),
    constraint fire_result_reason check ((result = 'skipped') = (reason is not null))
);

create index fire_waiting on onward.fire (workflow, trigger_id, backfill, nominal_at) where result = 'waiting';

-- Ranged by week on the id, which begins with its time. The only index on a column that changes is the one on
-- `failed_at`, partial, so that the end of a successful run stays a heap-only update.
create table onward.run (
    id uuid not null,
    workflow text not null,
    version int not null,
    -- The trigger's id in the document; null for a run started by hand.
    trigger_id text,
    trigger json,
    inputs json not null,
    env json,
    variables json,
    -- The run whose `call` step started it, and how many stand above it.
    parent_run_id uuid,
    depth smallint not null default 0,
    created_at timestamptz not null,
    scheduled_at timestamptz,
    status onward.run_status,
    output json,
    error json,
    -- Paths of steps whose undo failed for good: a person has to look.
    not_undone json,
    finished_at timestamptz,
    failed_at timestamptz,
    primary key (id),
    constraint run_end check ((status is null) = (finished_at is null)),
    constraint run_failure check ((failed_at is not null) = coalesce(status = 'failed', false)),
    constraint run_error check (error is null or status in ('failed', 'canceled')),
    constraint run_inputs_size check (octet_length(inputs::text) <= 5242880),
    constraint run_output_size check (octet_length(output::text) <= 1048576)
) partition by range (id);

create index run_parent on onward.run (parent_run_id) where parent_run_id is not null;
create index run_failed on onward.run (failed_at) where failed_at is not null;

-- The row that says "this run (path '') or this routed step may go on". One per live run.
create table onward.job (
    run_id uuid not null,
    path text not null default '',
    queue text not null,
    priority onward.priority not null,
    due_at timestamptz not null,
    worker_id uuid,
    -- Counts claims and everything that happened to the run from outside; parking compares it.
    wakes int not null default 0,
    -- Deaths of its workers since the last checkpoint.
    crashes smallint not null default 0,
    cancel_requested_at timestamptz,
    -- What has succeeded is to be undone as well.
    cancel_undo boolean not null default false,
    primary key (run_id, path),
    constraint job_cancel check (cancel_requested_at is not null or not cancel_undo),
    constraint job_due_finite check (isfinite(due_at)),
    constraint job_queue_form check (queue ~ '^[a-z0-9][a-z0-9_.:-]{0,63}$')
) with (
    -- Updated and deleted all the time, and small: vacuum it early and without pauses.
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0
);

create index job_claim on onward.job (queue, priority, due_at, run_id, path) where worker_id is null;
create index job_owner on onward.job (worker_id) where worker_id is not null;

-- Insert only; the first row of an attempt wins, the highest attempt of a path counts.
create table onward.checkpoint (
    run_id uuid not null,
    path text not null,
    attempt int not null,
    status onward.checkpoint_status not null,
    output json,
    error json,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    worker_id uuid,
    -- Who wrote it, when no worker did.
    settled_by text,
    primary key (run_id, path, attempt),
    constraint checkpoint_attempt_positive check (attempt >= 1),
    constraint checkpoint_error check (
        (error is not null) = (status in ('retrying', 'failed', 'ambiguous'))
        or (status = 'retrying' and settled_by is not null)
    ),
    constraint checkpoint_output_size check (octet_length(output::text) <= 10485760)
) partition by range (run_id);

create table onward.pending (
    run_id uuid not null,
    path text not null,
    attempt int not null,
    kind onward.pending_kind not null,
    due_at timestamptz,
    -- Of an event that is waited for: one row a name.
    name text not null default '',
    key text,
    -- Events up to this instant have been looked at.
    since timestamptz,
    -- Of an announced effect that may be sent again.
    repeatable boolean not null default false,
    created_at timestamptz not null default onward.now(),
    primary key (run_id, path, attempt, kind, name),
    constraint pending_deadline check ((due_at is null) = (kind = 'started')),
    constraint pending_event check ((kind = 'event') = (since is not null))
);

create index pending_event on onward.pending (name, key) where kind = 'event';
create index pending_child on onward.pending (run_id) where kind = 'child';

-- Ranged by week on the id, which begins with its time. Kept for a while, so that a wait can look back.
create table onward.event (
    id uuid not null,
    name text not null,
    key text,
    data json not null,
    -- How many events led to one another up to this one.
    depth smallint not null default 0,
    -- The run whose step sent it.
    run_id uuid,
    received_at timestamptz not null default onward.now(),
    -- How many waiting runs it woke.
    woke int not null default 0,
    -- How many runs it started; null until its triggers have been looked at.
    started int,
    primary key (id),
    constraint event_name_size check (octet_length(name) between 1 and 255),
    constraint event_key_size check (octet_length(key) <= 255)
) partition by range (id);

create index event_match on onward.event (name, key, received_at);
create index event_undispatched on onward.event (received_at) where started is null;

-- Who may be at work at once: a path of a run, or (path '') the run itself.
create table onward.slot (
    key text not null,
    run_id uuid not null,
    path text not null,
    attempt int not null,
    held boolean not null default false,
    priority onward.priority not null,
    -- As the last one who asked had it.
    "limit" int not null,
    since timestamptz not null default onward.now(),
    primary key (key, run_id, path, attempt),
    constraint slot_key_size check (octet_length(key) between 1 and 400),
    constraint slot_limit_positive check ("limit" >= 1)
);

create index slot_run on onward.slot (run_id);
create index slot_waiting on onward.slot (key, priority, since) where not held;

-- When the next one may begin, by key: one row a rate.
create table onward.rate (
    key text primary key,
    next_at timestamptz not null,
    constraint rate_key_size check (octet_length(key) between 1 and 400)
) with (fillfactor = 50);

-- Outputs of steps that say how long they may be reused.
create table onward.cached (
    key text primary key,
    output json not null,
    created_at timestamptz not null default onward.now(),
    expires_at timestamptz not null
);

create index cached_expired on onward.cached (expires_at);

create table onward.worker (
    id uuid primary key,
    heartbeat_at timestamptz not null default onward.now(),
    started_at timestamptz not null default onward.now(),
    host text not null,
    pid int not null,
    version text not null,
    queues text[],
    seats int not null,
    step_types text[] not null
) with (fillfactor = 50);

create table onward.idempotency (
    scope text not null,
    key text not null,
    request_hash bytea not null,
    run_id uuid,
    answer json,
    created_at timestamptz not null default onward.now(),
    expires_at timestamptz not null,
    primary key (scope, key),
    constraint idempotency_key_size check (octet_length(key) between 1 and 255),
    constraint idempotency_effect check ((run_id is null) <> (answer is null))
);

create index idempotency_expired on onward.idempotency (expires_at);

-- What people did to runs.
create table onward.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default onward.now(),
    actor text not null,
    action text not null,
    run_id uuid,
    path text,
    detail json not null
);

create index audit_run on onward.audit (run_id) where run_id is not null;

create table onward.api_key (
    id uuid primary key,
    name text not null,
    -- The public part of the key; finds the row.
    key_id text not null unique,
    hash bytea not null,
    -- 1: SHA-256 of the secret part.
    hash_version smallint not null default 1,
    scopes text[] not null,
    created_at timestamptz not null default onward.now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint api_key_hash_version check (hash_version in (1, 2))
);

create table onward.secret (
    name text primary key,
    -- Nonce, ciphertext and tag. The name is authenticated with them, so that no row can stand in for another.
    sealed bytea not null,
    -- By which key: what that key's digest begins with.
    key_id text not null,
    created_at timestamptz not null default onward.now(),
    updated_at timestamptz not null default onward.now(),
    updated_by text not null,
    constraint secret_name_form check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,99}$'),
    -- A value has 1 to 65536 bytes.
    constraint secret_sealed_size check (octet_length(sealed) between 29 and 65564)
);

-- The first id that a run of this instant can have.
create function onward.id_floor(instant timestamptz) returns uuid
language sql immutable strict parallel safe
as $$ select (lpad(to_hex((extract(epoch from instant) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

create function onward.week_of(instant timestamptz) returns timestamptz
language sql immutable strict parallel safe
as $$ select date_trunc('week', instant at time zone 'UTC') at time zone 'UTC' $$;

-- Creates what is missing of the partitions from last week to `weeks` ahead. Created first, then attached, so that
-- writers of the parent wait for the short lock only. There is no default partition: a run outside is refused.
create function onward.keep_partitions(weeks int) returns int
language plpgsql
as $$
declare
    parent text;
    from_week timestamptz;
    child text;
    made int := 0;
begin
    -- One process at a time; the others find the work done.
    perform pg_advisory_xact_lock(hashtextextended('onward.keep_partitions', 0));
    foreach parent in array array['run', 'checkpoint', 'event'] loop
        for from_week in
            select onward.week_of(onward.now()) + make_interval(weeks => n) from generate_series(-1, weeks) n
        loop
            child := parent || '_' || to_char(from_week at time zone 'UTC', 'YYYYMMDD');
            if to_regclass('onward.' || child) is null then
                execute format(
                    'create table onward.%I (like onward.%I including defaults including constraints) with (fillfactor = %s)',
                    child, parent, case parent when 'run' then 90 else 100 end);
                execute format(
                    'alter table onward.%I attach partition onward.%I for values from (%L) to (%L)',
                    parent, child, onward.id_floor(from_week), onward.id_floor(from_week + interval '1 week'));
                made := made + 1;
            end if;
        end loop;
    end loop;
    return made;
end
$$;

select onward.keep_partitions(8);
