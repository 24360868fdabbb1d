-- Files that steps make, by what is in them: the same bytes are kept once.
create table onward.blob (
    hash bytea primary key,
    media_type text not null,
    bytes bytea not null,
    created_at timestamptz not null default onward.now(),
    -- Pushed on whenever a step makes the same file again.
    expires_at timestamptz not null,
    constraint blob_hash_size check (octet_length(hash) = 32),
    constraint blob_media_type_form check (media_type ~ '^[a-z0-9.+-]+/[a-z0-9.+-]+$' and octet_length(media_type) <= 100),
    constraint blob_size check (octet_length(bytes) <= 10485760)
);

create index blob_expired on onward.blob (expires_at);

-- Signs the addresses of files, so that whoever has one needs no key. Every process of an installation uses the same.
create table onward.file_key (
    single boolean primary key default true,
    key bytea not null,
    constraint file_key_single check (single),
    constraint file_key_size check (octet_length(key) = 32)
);

insert into onward.file_key (key)
values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
