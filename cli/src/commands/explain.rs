//! `onward explain`: one page about a code, a type or a field.

use std::process::ExitCode;

use onward_workflows::{closest_topic, topics};
use serde_json::json;

use crate::database::catalog;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::settings::Settings;

pub fn explain(settings: &Settings, topic: Option<&str>) -> Result<ExitCode, Failure> {
    let Some(topic) = topic else {
        list(settings);
        return Ok(ExitCode::SUCCESS);
    };
    let catalog = catalog();
    let Some(page) = onward_workflows::explain(topic, &catalog) else {
        let text = match closest_topic(topic, &catalog) {
            Some(meant) => format!("there is no page about `{topic}`; did you mean `{meant}`?"),
            None => format!("there is no page about `{topic}`"),
        };
        return Err(Failure::new(Exit::NotFound, text).with_hint("`onward explain` lists them all"));
    };
    if settings.json {
        output::line(&json!({ "topic": page.topic, "title": page.title, "text": page.text }).to_string());
    } else {
        output::line(&format!("{}: {}\n\n{}", page.topic, page.title, page.text.trim_end()));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(settings: &Settings) {
    for (place, group) in topics(&catalog()).iter().enumerate() {
        if !settings.json {
            output::line(&format!("{}{}", if place == 0 { "" } else { "\n" }, group.name));
        }
        for page in &group.pages {
            if settings.json {
                let row = json!({ "group": group.name, "topic": page.topic, "title": page.title });
                output::line(&row.to_string());
            } else {
                output::line(&format!("  {:22}  {}", page.topic, page.title));
            }
        }
    }
    if !settings.json {
        output::hint("read one with: onward explain TOPIC");
    }
}
