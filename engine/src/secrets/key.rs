//! The key under which values are sealed: AES-256-GCM with a random nonce.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

const KEY_BYTES: usize = 32;
/// Of the digest by which a key is told from others.
const ID_BYTES: usize = 8;

pub struct SecretsKey {
    key: LessSafeKey,
    id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not {KEY_BYTES} bytes in base64; make a key with: openssl rand -base64 {KEY_BYTES}")]
pub struct ParseSecretsKeyError;

impl SecretsKey {
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, bytes).expect("the key has the length of the cipher's keys");
        let digest = Sha256::new().chain_update("onward.secrets_key\0").chain_update(bytes).finalize();
        let id = digest.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        Self { key: LessSafeKey::new(unbound), id }
    }

    /// A new key as text.
    pub fn draw() -> SecretString {
        SecretString::from(STANDARD.encode(rand::random::<[u8; KEY_BYTES]>()))
    }

    /// Not secret; the same for every process that has this key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Nonce, ciphertext and tag.
    pub(super) fn seal(&self, name: &str, value: &str) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut text = value.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut text)
            .expect("a value is far shorter than what the cipher takes");
        [&nonce[..], &text].concat()
    }

    /// None when it was sealed with another key, for another name, or has changed since.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Option<SecretString> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let value = self.key.open_in_place(nonce, Aad::from(name), &mut text).ok()?;
        std::str::from_utf8(value).ok().map(SecretString::from)
    }
}

impl FromStr for SecretsKey {
    type Err = ParseSecretsKeyError;

    fn from_str(text: &str) -> Result<Self, ParseSecretsKeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| ParseSecretsKeyError)?;
        Ok(Self::new(&bytes.try_into().map_err(|_| ParseSecretsKeyError)?))
    }
}

impl fmt::Debug for SecretsKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretsKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn open(key: &SecretsKey, name: &str, sealed: &[u8]) -> Option<String> {
        key.open(name, sealed).map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn what_is_sealed_opens_under_its_own_name_and_key_alone() {
        let (key, other) = (SecretsKey::new(&[7; 32]), SecretsKey::new(&[8; 32]));
        let sealed = key.seal("TOKEN", "hush \u{5d0}");
        assert_eq!(open(&key, "TOKEN", &sealed).as_deref(), Some("hush \u{5d0}"));
        assert_eq!(open(&key, "OTHER", &sealed), None);
        assert_eq!(open(&other, "TOKEN", &sealed), None);
        assert_ne!(sealed, key.seal("TOKEN", "hush \u{5d0}"));
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let key = SecretsKey::new(&[7; 32]);
        let sealed = key.seal("TOKEN", "hush");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(open(&key, "TOKEN", &changed), None, "{place}");
            assert_eq!(open(&key, "TOKEN", &sealed[..place]), None, "{place}");
        }
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_and_is_not_printed() {
        let key: SecretsKey = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n".parse().unwrap();
        assert_eq!(key.id(), SecretsKey::new(&[7; 32]).id());
        assert_eq!(format!("{key:?}"), format!("SecretsKey({})", key.id()));
        for text in ["", "BwcH", "not base64", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"] {
            assert_eq!(text.parse::<SecretsKey>().unwrap_err(), ParseSecretsKeyError, "{text}");
        }
    }
}
