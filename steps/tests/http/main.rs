//! `http.request` against a real server on a local port.
#![expect(clippy::unwrap_used, reason = "in a test, panicking is how to fail")]

mod destinations;
mod redirects;
mod request;
mod stand;
mod unanswered;
