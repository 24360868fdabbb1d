//! A bad day: every so many requests to a service meet a fault, one after the other.

use std::collections::HashMap;

/// What each service can do to its callers that they must live through by themselves. A post that may have been made,
/// to somebody who reports nothing, would wait for a person, so those services only fail before the work.
const FAULTS: [(&str, &[&str]); 6] = [
    ("/airtable", &["500", "reset", "garbled", "html", "cut", "drop"]),
    ("/cbb/api/contacts", &["503", "reset", "html", "cut", "garbled"]),
    ("/graph", &["503", "reset", "cut"]),
    ("/resend", &["503", "reset", "cut", "drop"]),
    ("/slack", &["503", "html"]),
    ("/v1", &["503", "html"]),
];

#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// One request in so many; 0 is a good day.
    pub every: u64,
    seen: HashMap<&'static str, u64>,
}

impl Trouble {
    /// The fault of this request, if it is one of those.
    pub(crate) fn strikes(&mut self, path: &str) -> Option<&'static str> {
        if self.every == 0 {
            return None;
        }
        let (prefix, faults) = FAULTS.iter().find(|(prefix, _)| path.starts_with(prefix))?;
        let seen = self.seen.entry(prefix).or_default();
        *seen += 1;
        if !seen.is_multiple_of(self.every) {
            return None;
        }
        let place = usize::try_from(*seen / self.every).unwrap_or_default();
        Some(faults[place % faults.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_turn() {
        let mut trouble = Trouble { every: 2, ..Trouble::default() };
        let met: Vec<_> = (0..6).map(|_| trouble.strikes("/slack/api/chat.postMessage")).collect();
        assert_eq!(met, [None, Some("html"), None, Some("503"), None, Some("html")]);
        assert_eq!(trouble.strikes("/orders"), None);
        assert_eq!(Trouble::default().strikes("/slack"), None);
    }
}
