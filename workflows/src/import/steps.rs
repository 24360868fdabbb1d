//! Steps: today's types, fields and units.

use std::time::Duration;

use super::names::Names;
use super::notes::Notes;
use super::ordered::Ordered;
use crate::format_duration;

/// How long an old `delay` without a `duration` took.
const DELAY_MILLIS: u64 = 1000;

pub(super) fn convert(mut old: Ordered, names: &mut Names, notes: &mut Notes) -> Ordered {
    let id = old.text("id").unwrap_or("?").to_owned();
    let about = format!("steps.{id}");
    let config = names.rewrite(old.take("config").unwrap_or_default(), &about, notes);
    let old_type = old.text("type").unwrap_or_default().to_owned();
    let (step_type, config) = typed(&old_type, config, &about, notes);

    let mut step = Ordered::default();
    for field in ["id", "name"] {
        if let Some(value) = old.take(field) {
            step.put(field, value);
        }
    }
    old.take("type");
    step.put("type", step_type.as_str().into());
    let (retries, timeout) = (old.take("retries"), old.take("timeout"));
    if step_type.contains('.') {
        if let Some(retries) = retries {
            step.put("retry", retries);
        }
        if let Some(timeout) = timeout {
            step.put("timeout", duration(timeout));
        }
    } else if retries.is_some() || timeout.is_some() {
        notes.add(&about, "`retries` and `timeout` were left out: such a step has no attempts");
    }
    for (key, _) in old.entries() {
        notes.add(&about, format!("`{key}` was left out: nothing reads it"));
    }
    step.put("config", config);
    step
}

/// Milliseconds as text with a unit.
fn duration(value: Ordered) -> Ordered {
    value.as_u64().map_or(value, |millis| format_duration(Duration::from_millis(millis)).into())
}

fn typed(old: &str, mut config: Ordered, about: &str, notes: &mut Notes) -> (String, Ordered) {
    match old {
        "delay" => {
            notes.add(about, "the old schema refused `delay`; as `wait` it works, and survives a restart");
            let mut wait = Ordered::default();
            wait.put("for", duration(config.take("duration").unwrap_or(DELAY_MILLIS.into())));
            ("wait".to_owned(), wait)
        }
        "pdf.generate" => ("pdf.render".to_owned(), config),
        "whatsapp.send" => whatsapp(config, about, notes),
        "email.send" => {
            notes.add(about, "the old worker never sent e-mails; this one will");
            (old.to_owned(), renamed(config, "recipient", "to"))
        }
        "log.info" => ("log".to_owned(), config),
        "slack.send" => (old.to_owned(), config),
        _ => {
            notes.add(about, format!("the type `{old}` is none of the old system's; before, such a step was skipped"));
            (old.to_owned(), config)
        }
    }
}

/// The same value under another name, first in the map.
fn renamed(mut config: Ordered, from: &str, to: &str) -> Ordered {
    let Some(value) = config.take(from) else { return config };
    let mut new = Ordered::default();
    new.put(to, config.take(to).unwrap_or(value));
    for (key, value) in config.entries() {
        new.put(key, value.clone());
    }
    new
}

/// A template message, where it is one and its values have an order.
fn whatsapp(mut config: Ordered, about: &str, notes: &mut Notes) -> (String, Ordered) {
    const OLD: &str = "whatsapp.send";
    let why = if config.get("template").is_none() || config.get("message").is_some() {
        Some("only template messages can be sent outside of an open conversation")
    } else if config.text("fileType").is_some_and(|kind| kind != "document") {
        Some("only documents can be attached to a template")
    } else if params(config.get("variables")).is_none() {
        Some(
            "`whatsapp.send_template` takes values in the order of the template's places, and these have names. Write `params: [...]` in that order",
        )
    } else {
        None
    };
    if let Some(why) = why {
        notes.add(about, format!("`{OLD}` stays as it is: {why}"));
        return (OLD.to_owned(), config);
    }
    let mut new = Ordered::default();
    let params = params(config.take("variables").as_ref()).unwrap_or_default();
    if let Some(to) = config.take("contact").or_else(|| config.take("to")) {
        new.put("to", to);
    }
    if let Some(template) = config.take("template") {
        new.put("template", template);
    }
    new.put_list("params", params);
    if let Some(file) = config.take("fileUrl") {
        new.put("document", file);
    }
    for (key, _) in config.entries().filter(|(key, _)| !matches!(key.as_str(), "fileType" | "to")) {
        notes.add(about, format!("`config.{key}` was left out: nothing reads it"));
    }
    ("whatsapp.send_template".to_owned(), new)
}

/// The values of a template's places, where their order is known: a list, at most one, or numbered names.
fn params(variables: Option<&Ordered>) -> Option<Vec<Ordered>> {
    match variables {
        None => Some(Vec::new()),
        Some(Ordered::List(items)) => Some(items.clone()),
        Some(variables @ Ordered::Map(entries)) if entries.len() > 1 => {
            let mut numbered: Vec<(u32, Ordered)> = variables
                .entries()
                .map(|(key, value)| Some((key.parse().ok()?, value.clone())))
                .collect::<Option<_>>()?;
            numbered.sort_by_key(|(number, _)| *number);
            Some(numbered.into_iter().map(|(_, value)| value).collect())
        }
        Some(Ordered::Map(entries)) => Some(entries.iter().map(|(_, value)| value.clone()).collect()),
        Some(Ordered::Scalar(_)) => None,
    }
}
