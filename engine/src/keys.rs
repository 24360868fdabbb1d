//! API keys: who may ask for what.

mod authenticate;
mod known;
mod scope;
mod secret;
mod stored;

pub use authenticate::{AuthError, Principal, authenticate};
pub(crate) use known::KnownKeys;
pub use scope::{ParseScopeError, Scope};
pub use stored::{ApiKey, ApiKeyPage, CreatedKey, KeyError, NewKey, create_key, create_key_in, list_keys, revoke_key};
