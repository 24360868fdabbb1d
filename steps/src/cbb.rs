//! The chatbot service: contacts, and what is sent to them.

mod account;
mod contact;
mod fields;
mod judge;
mod send_flow;
mod send_text;
mod sync_contact;

use std::time::Duration;

use crate::backing::Bound;

pub(crate) use account::{Account, Content};
pub(crate) use send_flow::STEP as SEND_FLOW;
pub(crate) use send_text::{STEP as SEND_TEXT, send as send_text};
pub(crate) use sync_contact::STEP as SYNC_CONTACT;

pub(crate) const TOKEN: &str = "CBB_TOKEN";

/// The service says nothing of its limit; five requests a second have always been taken.
pub(crate) fn bound() -> Bound {
    Bound { key: "cbb".to_owned(), limit: 1, per: Duration::from_millis(200) }
}
