//! `event` triggers: which events start a run.

use crate::EventTrigger;
use crate::check::{Finding, Report, values};
use crate::tree::Node;

pub(crate) const FIELDS: [&str; 1] = ["event"];
pub(crate) const NAME_MAX: usize = 255;

pub(super) fn read(config: Option<&Node>, type_node: &Node, report: &mut Report) -> Option<EventTrigger> {
    let Some(node) = config.and_then(|config| config.field("event")) else {
        report.add(
            Finding::error("E103", type_node.span, "`config.event` is missing")
                .label("`event` needs it")
                .help("\"event\": \"order.created\", or \"order.*\" for all that begin so"),
        );
        return None;
    };
    let event = values::short_text("event", node, NAME_MAX, report)?;
    let stars = event.matches('*').count();
    if event.is_empty() || stars > 1 || (stars == 1 && !event.ends_with('*')) {
        report.add(
            Finding::error("E112", node.span, format!("`{event}` cannot be the name of an event"))
                .label("a name; only its end may be `*`"),
        );
        return None;
    }
    Some(EventTrigger { event: event.to_owned() })
}
