//! Step types against stand-ins of their services, in good and bad hours.
#![expect(clippy::unwrap_used, reason = "in a test, panicking is how to fail")]

mod airtable;
mod cbb;
mod email;
mod pdf;
mod slack;
mod stand;
mod whatsapp;
