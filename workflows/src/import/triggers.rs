//! Triggers: one name for the endpoint, nothing that nobody reads.

use super::notes::Notes;
use super::ordered::Ordered;

const ENDPOINTS: [&str; 3] = ["endpoint", "key", "path"];

pub(super) fn convert(old: Vec<Ordered>, notes: &mut Notes) -> Vec<Ordered> {
    let mut triggers = Vec::with_capacity(old.len());
    for (place, mut trigger) in old.into_iter().enumerate() {
        let about = format!("triggers[{place}]");
        let kind = trigger.text("type").unwrap_or_default().to_owned();
        let config = trigger.take("config").unwrap_or_default();
        let config = match kind.as_str() {
            "webhook" => webhook(config, &about, notes),
            "cron" => only(&config, &["schedule", "timezone"], &about, notes),
            "manual" => only(&config, &[], &about, notes),
            other => {
                notes.add(&about, format!("the type `{other}` is unknown and stays as it is"));
                config
            }
        };
        let mut new = Ordered::default();
        for (key, value) in trigger.entries() {
            if matches!(key.as_str(), "id" | "type" | "enabled") {
                new.put(key, value.clone());
            } else {
                notes.add(&about, format!("`{key}` was left out: nothing reads it"));
            }
        }
        if !config.is_empty() {
            new.put("config", config);
        }
        triggers.push(new);
    }
    triggers
}

fn webhook(mut config: Ordered, about: &str, notes: &mut Notes) -> Ordered {
    let named: Vec<(&str, Ordered)> = ENDPOINTS.iter().filter_map(|name| Some((*name, config.take(name)?))).collect();
    let mut new = Ordered::default();
    if let Some((_, endpoint)) = named.first() {
        new.put("endpoint", endpoint.clone());
        for (name, other) in named.iter().skip(1).filter(|(_, other)| other != endpoint) {
            let (other, endpoint) = (other.json(), endpoint.json());
            notes.add(about, format!("`{name}` {other} was left out: the endpoint is {endpoint}. If callers use the other one, write that"));
        }
    }
    only(&config, &[], about, notes);
    new
}

/// The fields that are still read.
fn only(config: &Ordered, kept: &[&str], about: &str, notes: &mut Notes) -> Ordered {
    let mut new = Ordered::default();
    for (key, value) in config.entries() {
        if kept.contains(&key.as_str()) {
            new.put(key, value.clone());
        } else {
            notes.add(about, format!("`config.{key}` was left out: nothing reads it"));
        }
    }
    new
}

/// What a webhook's body brings, as inputs.
pub(super) fn with_inputs(mut triggers: Vec<Ordered>, inputs: &Ordered) -> Vec<Ordered> {
    let mut mapping = Ordered::default();
    for name in inputs.keys() {
        mapping.put(&name, format!("{{{{ trigger.body.{name} }}}}").into());
    }
    if !mapping.is_empty() {
        for trigger in triggers.iter_mut().filter(|trigger| trigger.text("type") == Some("webhook")) {
            trigger.put("inputs", mapping.clone());
        }
    }
    triggers
}
