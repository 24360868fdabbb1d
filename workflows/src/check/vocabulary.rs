//! What the schema for editors shares with the checker: field names and limits.

pub(crate) use super::attempts::{DEFAULTS_FIELDS, RETRIES_MAX, RETRY_FIELDS};
pub(crate) use super::body::{ARMS_MAX, PARALLEL_MAX};
pub(crate) use super::document::identity::{DESCRIPTION_MAX, LABELS_MAX, NAME_MAX};
pub(crate) use super::document::secrets::{SECRET_NAME_MAX, SECRETS_MAX};
pub(crate) use super::document::{DOCUMENT_FIELDS, WRAPPED_FIELDS};
pub(crate) use super::inputs::INPUTS_MAX;
pub(crate) use super::limits::{AT_ONCE_MAX, OVERFLOWS, PER_TIME_MAX};
pub(crate) use super::loops::{
    AT_ONCE_MAX as ROUNDS_AT_ONCE_MAX, BATCH_MAX, FIELDS as FOREACH_FIELDS, NAME_MAX as ITEM_NAME_MAX,
};
pub(crate) use super::outline::{ID_MAX as STEP_ID_MAX, STEPS_IN_LIST_MAX};
pub(crate) use super::steps::{NAME_MAX as STEP_NAME_MAX, STEP_FIELDS};
pub(crate) use super::triggers::cron::FIELDS as CRON_FIELDS;
pub(crate) use super::triggers::event::{FIELDS as EVENT_FIELDS, NAME_MAX as EVENT_NAME_MAX};
pub(crate) use super::triggers::webhook::{
    BODY_MAX, ENDPOINT_MAX, FIELDS as WEBHOOK_FIELDS, METHODS, SIGNATURE_FIELDS,
};
pub(crate) use super::triggers::{ID_MAX as TRIGGER_ID_MAX, TRIGGER_FIELDS, TRIGGERS_MAX, TYPES as TRIGGER_TYPES};
pub(crate) use super::undo::FIELDS as UNDO_FIELDS;
pub(crate) use super::values::DURATION_MAX;
