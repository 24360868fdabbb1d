//! The durable engine: tables, and the protocols by which runs are started, claimed, fenced, committed and reaped.
//!
//! Every statement is a file in `queries/`; every verb is a file here. The engine never carries out a step: `worker`
//! does, and reports back through [`Committer`]. Start at [`Engine`], then follow a run: `start`, `claim`, `load`,
//! `commit`, and for when things go wrong `lease`, `reap`, `sweep`.

mod cached;
mod call;
mod cancel;
mod claim;
mod clock;
mod commit;
mod cron;
pub mod database;
mod deploy;
mod depth;
mod dispatch;
pub mod embedded;
mod ends;
mod engine;
mod event;
mod expire;
mod files;
mod history;
mod idempotency;
mod keys;
mod lease;
mod limits;
mod load;
mod operate;
mod partitions;
mod read;
mod readiness;
mod reap;
mod release;
mod routed;
mod schedules;
mod secrets;
mod simulate;
mod start;
mod sweep;
mod tasks;
mod triggers;
mod versions;
mod wake;
mod whatsapp;
mod workflows;

pub use cached::{find_cached, forget_cached, keep_cached};
pub use call::{CallError, call, wake_callers, wake_runs};
pub use cancel::{CancelError, CancelOutcome, CancelRequest, cancel, cancel_and_undo};
pub use claim::{Claimed, JobName, Lanes, claim, type_queue};
pub use clock::Clock;
pub use commit::{
    Announced, CheckpointRow, Committer, EndRow, LOOK_AGAIN, Park, Release, RoutedRow, RunWrite, Then, Written,
};
pub use cron::{FireError, Fired, fire_due};
pub use database::MIGRATOR;
pub use deploy::{
    CheckedDocument, CheckedDocuments, DeployAction, DeployError, DeployOptions, Deployed, DeployedWorkflow, Expect,
    RESERVED_IDS, check_documents, deploy, deploy_in, forget_endpoints, offered_catalog, validate,
};
pub use depth::{QUEUE_DEPTH_MAX, look_at_depths};
pub use dispatch::{SendError, dispatch_left_over, send_event};
pub use ends::{RunEnd, await_end};
pub use engine::{Engine, Priority, Settings};
pub use event::{EVENT_ID_AGE_MAX, Emitted, NewEvent, emit};
pub use expire::{Forgotten, forget_expired_keys};
pub use files::{
    FILE_ADDRESS_FOR, FILE_BYTES_MAX, FILE_KEPT_FOR, FileAddress, FileError, StoredFile, file_url, find_file,
    forget_files, keep_file, parse_file_url,
};
pub use history::CorruptRow;
pub use idempotency::{Answer, AnswerKey, Answered, OnceError, once};
pub use keys::{
    ApiKey, ApiKeyPage, AuthError, CreatedKey, KeyError, NewKey, ParseScopeError, Principal, Scope, authenticate,
    create_key, create_key_in, list_keys, revoke_key,
};
pub use lease::{HEARTBEAT_EVERY, Lease, LeaseLost, WorkerFacts, heartbeat, register, unregister};
pub use limits::{
    LimitError, RateRequest, SlotRequest, acquire_slot, forget_rates, pause_rate, release_slots, reserve_rate,
    slot_rivals, tidy_slots,
};
pub use load::{LoadedRun, Unloadable, load};
pub use operate::{Replay, ReplayError, ReplayVersion, RetryError, SettleError, Settling, replay, retry, settle};
pub use partitions::{WEEKS_AHEAD, keep_partitions};
pub use read::{
    EventDetail, EventFilter, EventPage, EventRow, EventRun, LimitRow, ReadError, RunCursor, RunDetail, RunFilter,
    RunPage, RunRow, RunState, WaitingFor, WaitingKind, WorkerRow, find_event, find_run, list_events, list_limits,
    list_runs, list_workers, match_run, queue_depths, read_names, read_step, read_steps,
};
pub use readiness::{NotReady, check_ready};
pub use reap::reap;
pub use release::release;
pub use routed::{
    FinishedRouted, LoadedStep, RoutedError, announce_routed, drop_routed, finish_routed, load_routed, recall_routed,
    reroute,
};
pub use schedules::{
    BACKFILLED_MAX, Backfill, Backfilled, ParseScheduleIdError, Paused, ScheduleError, ScheduleId, backfill, pause,
    resume,
};
pub use secrets::{
    LoadSecretsError, MissingSecret, ParseSecretsKeyError, SECRET_BYTES_MAX, SECRETS_MAX, Secret, SecretsKey,
    SetSecret, SetSecretError, UnsetSecretError, list_secrets, list_unset_secrets, load_secrets, set_secret,
    unset_secret,
};
pub use simulate::{SIMULATED_MAX, SimulateError, SimulatedRun, simulate};
pub use start::{
    Begun, DEFAULT_QUEUE, Duplicate, EagerBatch, PrepareError, PrepareRun, StartError, StartKey, StartRun, Started,
};
pub use sweep::{Owned, sweep};
pub use tasks::{
    EnqueueError, Enqueued, FangTableError, ImportError, ImportTasks, ImportedTasks, KindError, Kinds, NewTask,
    Removal, ScheduleTaskError, TASK_STEP, TaskId, TaskRow, TaskSchedule, canonical_json, derived_task_run, enqueue,
    find_held_task, find_task, forget_task_keys, import_tasks, is_task_known, list_task_schedules,
    remove_task_schedules, remove_tasks, schedule_task, task_queue, task_type_of,
};
pub use triggers::{
    Endpoint, FireTimes, MovedFire, NextFire, ScheduleRow, TriggerRow, find_endpoint, list_schedules, next_fires,
};
pub use versions::{Version, VersionError, Versions};
pub use wake::{Wake, Wakes, listen};
pub use whatsapp::{
    KnownTemplate, TemplateRow, WebhookError, find_whatsapp_template, forget_whatsapp, forget_whatsapp_reports,
    keep_whatsapp_templates, note_whatsapp, receive_whatsapp, settle_reported,
};
pub use workflows::{
    WorkflowDetail, WorkflowHead, WorkflowPage, WorkflowRow, find_workflow, find_workflow_head, list_workflows,
};
