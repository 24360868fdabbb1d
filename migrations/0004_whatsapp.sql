-- WhatsApp messages that steps have sent, under the key that finds the step, and what Meta has reported of them.
create table onward.whatsapp_message (
    correlation_key text primary key,
    -- The step, when the key is the one that it has by itself.
    run_id uuid,
    path text,
    phone text not null,
    template text not null,
    -- Meta's own; known from its answer, or from the first report of a message that went through the chatbot service.
    message_id text unique,
    status text not null default 'noted',
    noted_at timestamptz not null default onward.now(),
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    failure text,
    pricing json,
    constraint whatsapp_message_key_size check (octet_length(correlation_key) between 1 and 512),
    constraint whatsapp_message_status check (status in ('noted', 'sent', 'delivered', 'read', 'failed'))
);

create index whatsapp_message_nameless on onward.whatsapp_message (phone, noted_at) where message_id is null;
create index whatsapp_message_step on onward.whatsapp_message (run_id, path) where run_id is not null;
create index whatsapp_message_noted on onward.whatsapp_message (noted_at);

-- Templates as Meta knows them, read now and then.
create table onward.whatsapp_template (
    name text not null,
    language text not null,
    status text not null,
    category text not null,
    -- Places in the body.
    params int not null,
    -- DOCUMENT, IMAGE, VIDEO, TEXT, LOCATION.
    header text,
    components json not null,
    quality text,
    rejected_reason text,
    correct_category text,
    synced_at timestamptz not null default onward.now(),
    primary key (name, language)
);

-- What Meta has reported, each thing once however often it came.
create table onward.whatsapp_webhook_events (
    -- Of what was reported: a message's id and its status, say.
    dedup_key text primary key,
    event_id uuid not null,
    name text not null,
    -- Under which the event is sent: of a status that of its message, when that is known.
    key text,
    message_id text,
    phone text,
    data json not null,
    received_at timestamptz not null default onward.now(),
    -- When runs were told.
    sent_at timestamptz,
    constraint whatsapp_webhook_events_key_size check (octet_length(dedup_key) <= 600)
);

create index whatsapp_webhook_events_message on onward.whatsapp_webhook_events (message_id) where message_id is not null;
create index whatsapp_webhook_events_received on onward.whatsapp_webhook_events (received_at);

-- Steps that wait for somebody to settle them are few, and looked for every few seconds.
create index pending_person on onward.pending (run_id, path) where kind = 'person';
