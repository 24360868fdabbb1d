//! The step types that this binary carries out itself, and the one HTTP client they go out with.
//!
//! A step gets its rendered config and comes back with an [`Outcome`](onward_workflows::Outcome); whether an error is
//! worth another attempt is decided here and nowhere else. Nothing in this crate knows of runs, the database or
//! retries, and nothing of what a step sends or receives is logged. Start at [`Steps::run`].

mod address;
mod airtable_lookup;
mod alone;
mod backing;
mod cbb;
mod client;
mod config;
mod destination;
mod documents;
mod email_send;
mod failure;
mod fetched;
mod hosts;
mod http_request;
mod pdf_render;
mod phone;
mod retry_after;
mod service;
mod services;
mod slack_send;
mod step;
mod steps;
mod watched;
mod whatsapp_send_template;
mod whatsapp_sync_templates;

pub use alone::Alone;
pub use backing::{Backing, BackingError, Bound, BoxFuture, File, Kept, ListedTemplate, Sent, WhatsappTemplate};
pub use hosts::{HttpHostsError, Mapped, parse_http_hosts};
pub use services::{Services, Via};
pub use step::Attempt;
pub use steps::{Settings, Steps, StepsError};
