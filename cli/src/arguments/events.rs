//! `onward events …`

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Wake the runs that wait for an event, and start those that it triggers
    Send {
        /// For example order.approved
        name: String,
        /// What tells it from others of its name; --key means it too, unless that is an API key
        #[arg(long = "event-key", value_name = "KEY")]
        event_key: Option<String>,
        /// What it carries: JSON, @FILE, or - for standard input
        #[arg(short, long, value_name = "JSON")]
        data: Option<String>,
        /// The same id again changes nothing: evt_…
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// The newest first
    List {
        /// Only events of this name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Only events with this key; --key means it too, unless that is an API key
        #[arg(long = "event-key", value_name = "KEY")]
        event_key: Option<String>,
        /// Only events that came since then: an instant (2026-11-24T10:00:00Z), or how long ago (2h)
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// How many at most
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// One event: what it carried, and what it has done
    Show {
        /// As the list shows it: evt_…
        id: String,
    },
}

impl Events {
    /// `--key` is the API key everywhere, and everybody's first guess for the key of an event. Their forms tell them
    /// apart.
    pub fn take_key(&mut self, flag: &mut Option<String>) {
        if let (
            Self::Send { event_key: event_key @ None, .. } | Self::List { event_key: event_key @ None, .. },
            Some(_),
        ) = (self, flag.as_deref().filter(|key| !is_api_key(key)))
        {
            *event_key = flag.take();
        }
    }
}

/// `onw_ID.SECRET`
fn is_api_key(text: &str) -> bool {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split_once('.').is_some_and(|(head, secret)| head.contains('_') && secret.len() >= 40 && is_word(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_stays_one_and_any_other_key_is_the_events() {
        let api_key = format!("onw_abcdefghijkl.{}", "x".repeat(49));
        for (given, event_key, flag) in [
            (Some("IL2511"), Some("IL2511"), None),
            (Some("a_b.c"), Some("a_b.c"), None),
            (Some(api_key.as_str()), None, Some(api_key.as_str())),
            (None, None, None),
        ] {
            let mut events = Events::List { name: None, event_key: None, since: None, limit: 1 };
            let mut key = given.map(str::to_owned);
            events.take_key(&mut key);
            let Events::List { event_key: found, .. } = events else { unreachable!("it was made so") };
            assert_eq!((found.as_deref(), key.as_deref()), (event_key, flag));
        }
    }
}
