//! What a schedule is called: `nightly-report` where it has one cron trigger, else `nightly-report:cron-2`.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleId {
    pub workflow: String,
    pub trigger_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a schedule is called WORKFLOW or WORKFLOW:TRIGGER")]
pub struct ParseScheduleIdError;

impl FromStr for ScheduleId {
    type Err = ParseScheduleIdError;

    fn from_str(text: &str) -> Result<Self, ParseScheduleIdError> {
        let (workflow, trigger_id) = match text.split_once(':') {
            Some((workflow, trigger_id)) => (workflow, Some(trigger_id)),
            None => (text, None),
        };
        if workflow.is_empty() || trigger_id.is_some_and(|id| id.is_empty() || id.contains(':')) {
            return Err(ParseScheduleIdError);
        }
        Ok(Self { workflow: workflow.to_owned(), trigger_id: trigger_id.map(str::to_owned) })
    }
}

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.trigger_id {
            Some(trigger_id) => write!(f, "{}:{trigger_id}", self.workflow),
            None => f.write_str(&self.workflow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_named_by_its_workflow_and_perhaps_its_trigger() {
        for text in ["nightly", "nightly:cron-2"] {
            let id: ScheduleId = text.parse().expect("it is a name");
            assert_eq!(id.to_string(), text);
            assert_eq!(id.workflow, "nightly");
        }
        for text in ["", ":cron", "nightly:", "a:b:c"] {
            assert_eq!(text.parse::<ScheduleId>(), Err(ParseScheduleIdError), "{text}");
        }
    }
}
