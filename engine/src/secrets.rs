//! Secrets: texts that documents name and never hold. Values are sealed in the database and leave it only for a run.

mod key;
mod known;
mod stored;

use std::sync::Arc;

pub use key::{ParseSecretsKeyError, SecretsKey};
pub(crate) use stored::missing_secrets;
pub use stored::{
    LoadSecretsError, MissingSecret, SECRET_BYTES_MAX, SECRETS_MAX, Secret, SetSecret, SetSecretError,
    UnsetSecretError, list_secrets, list_unset_secrets, load_secrets, set_secret, unset_secret,
};

use known::KnownSecrets;

/// What an engine needs for secrets: the key, if it was given one, and what it has opened a moment ago.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets {
    key: Option<Arc<SecretsKey>>,
    known: Arc<KnownSecrets>,
}

impl Secrets {
    pub fn new(key: Option<SecretsKey>) -> Self {
        Self { key: key.map(Arc::new), known: Arc::default() }
    }
}
