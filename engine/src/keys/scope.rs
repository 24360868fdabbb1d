//! What a key allows. The list is closed: a scope that nothing checks would be a promise that nobody keeps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($variant:ident = $name:literal $(| $alias:literal)*,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope {
            $($variant,)*
        }

        impl Scope {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl FromStr for Scope {
            type Err = ParseScopeError;

            /// Names of the replaced system parse to what they meant there.
            fn from_str(text: &str) -> Result<Self, ParseScopeError> {
                match text {
                    $($name $(| $alias)* => Ok(Self::$variant),)*
                    _ => Err(ParseScopeError { text: text.to_owned() }),
                }
            }
        }
    };
}

scopes! {
    WorkflowsRead = "workflows:read",
    WorkflowsWrite = "workflows:write" | "workflows:create" | "workflows:update" | "workflows:delete",
    RunsRead = "runs:read",
    RunsWrite = "runs:write",
    TriggersCreate = "triggers:create" | "webhook:vizi" | "webhook:visanet",
    EventsWrite = "events:write",
    SchedulesWrite = "schedules:write",
    QueuesRead = "queues:read",
    QueuesWrite = "queues:write",
    KeysWrite = "keys:write",
    SecretsWrite = "secrets:write",
    HooksWrite = "hooks:write",
    DeliveriesRead = "deliveries:read",
    DeliveriesWrite = "deliveries:write",
    LogsRead = "logs:read",
    LogsWrite = "logs:write",
    AirtableRead = "integrations:airtable:read",
    AirtableWrite = "integrations:airtable:write",
    Admin = "admin",
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope `{text}`")]
pub struct ParseScopeError {
    text: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_parses_back_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
        }
    }

    #[test]
    fn old_names_mean_what_they_meant() {
        assert_eq!("workflows:delete".parse(), Ok(Scope::WorkflowsWrite));
        assert_eq!("webhook:vizi".parse(), Ok(Scope::TriggersCreate));
    }

    #[test]
    fn there_are_no_wildcards() {
        for text in ["*", "runs:*", "admin:*", "", "Runs:read"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
