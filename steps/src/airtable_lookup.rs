//! `airtable.lookup`: records of an Airtable table, by a key, a formula or a view.

mod formula;
mod judge;
mod listing;
mod lookup;

use std::time::Duration;

use onward_workflows::{ConfigField, FieldKind, Outcome, StepType};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::backing::Bound;
use crate::step::{Attempt, BuiltIn, Outside};

use listing::Reader;
use lookup::Lookup;

const TOKEN: &str = "AIRTABLE_TOKEN";
/// Airtable's limit is five requests a second for all callers of a base together: a little less, because others may be
/// among them, and evenly, because a burst would be over it.
const REQUEST_EVERY: Duration = Duration::from_millis(222);

pub(crate) const TYPE: StepType = StepType {
    name: "airtable.lookup",
    summary: "Reads records of an Airtable base: {records, count, status}.",
    fields: &[
        ConfigField {
            name: "table",
            kind: FieldKind::Text,
            required: true,
            summary: "Its name, or better its id (tbl…).",
        },
        field("base", FieldKind::Text, "The base's id (app…), instead of the configured one."),
        field("view", FieldKind::Text, "Only the records of this view, in its order."),
        field(
            "filter",
            FieldKind::Text,
            "An Airtable formula; values in it must be quoted, so prefer `field` and `key`.",
        ),
        field("field", FieldKind::Text, "The field that has the value `key`, upper and lower case being the same."),
        field("key", FieldKind::Any, "The value to look for in `field`."),
        field("fields", FieldKind::Any, "The names of the fields to read; all unless written."),
        field("expand", FieldKind::Any, "Linked fields whose records are read too: a list, or {field: table}."),
        field("max_records", FieldKind::Integer, "At most so many; 3 with a `key`, else 1000. At most 10,000."),
        field("token", FieldKind::Text, "Instead of the secret AIRTABLE_TOKEN."),
    ],
    secrets: &[TOKEN],
    built_in: true,
};

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // It only reads.
    safe_to_repeat: |_, _| true,
    bounds: |services, config| {
        Lookup::parse(config, services).map_or_else(|_| Vec::new(), |lookup| vec![bound(&lookup.base)])
    },
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}

fn bound(base: &str) -> Bound {
    Bound { key: format!("airtable/{base}"), limit: 1, per: REQUEST_EVERY }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match look_up(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn look_up(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let services = &outside.services;
    let lookup = Lookup::parse(attempt.config, services)?;
    let token = attempt.credential(lookup.token.as_deref(), TOKEN)?;
    let reader = Reader {
        clients: &outside.clients,
        url: &services.airtable_url,
        base: &lookup.base,
        token,
        backing: attempt.backing,
        deadline: Instant::now() + attempt.timeout,
    };
    // Its first request was let through before the attempt began.
    let mut records = reader.list(&lookup.listing, true).await?;
    for (field, table) in &lookup.expand {
        reader.expand(&mut records, field, table).await?;
    }
    let status = match records.len() {
        0 => "none",
        1 => "found",
        _ => "multiple",
    };
    Ok(json!({ "status": status, "count": records.len(), "records": records }))
}
