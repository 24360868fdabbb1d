//! The text of a key: `onw_<12>.<43><6>`, all base62 behind the prefix. The first part is public and finds the row, the
//! 43 characters are the secret, the last six a CRC-32 of all before them, so that a typing mistake, or a scanner that
//! found something else, never costs a look into the database.

use rand::Rng;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

pub const DEFAULT_PREFIX: &str = "onw";
const PREFIX_MAX: usize = 32;
const ID_LEN: usize = 12;
/// 43 characters of 62 are 256 bits: guessing is hopeless whatever the hash, so a fast one will do.
const SECRET_LEN: usize = 43;
const CHECK_LEN: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key as its holder sends it, cut into its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Presented<'a> {
    /// Prefix and id.
    pub key_id: &'a str,
    secret: &'a str,
}

impl<'a> Presented<'a> {
    /// None when this cannot be a key of ours.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (key_id, rest) = text.rsplit_once('.')?;
        let (prefix, id) = key_id.rsplit_once('_')?;
        let well_formed = is_prefix(prefix)
            && id.len() == ID_LEN
            && rest.len() == SECRET_LEN + CHECK_LEN
            && id.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_alphanumeric());
        if !well_formed {
            return None;
        }
        let (signed, check) = text.split_at(text.len() - CHECK_LEN);
        (check == checksum(signed)).then(|| Self { key_id, secret: &rest[..SECRET_LEN] })
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

/// A new key: the public part, what is stored of the secret, and the whole text, which is shown once.
pub struct Drawn {
    pub key_id: String,
    pub hash: [u8; 32],
    pub text: String,
}

pub fn draw(prefix: &str) -> Drawn {
    let key_id = format!("{prefix}_{}", random(ID_LEN));
    let secret = random(SECRET_LEN);
    let signed = format!("{key_id}.{secret}");
    let text = format!("{signed}{}", checksum(&signed));
    Drawn { key_id, hash: Sha256::digest(&secret).into(), text }
}

/// Lower-case words joined by `_`: visible in logs and to secret scanners.
pub fn is_prefix(text: &str) -> bool {
    text.len() <= PREFIX_MAX
        && text
            .split('_')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn random(len: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(len).map(char::from).collect()
}

fn checksum(signed: &str) -> String {
    let mut rest = crc32fast::hash(signed.as_bytes());
    let mut digits = [b'0'; CHECK_LEN];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[usize::try_from(rest % 62).expect("a remainder of 62 is small")];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_key_parses_to_its_parts() {
        for prefix in ["onw", "acme_live"] {
            let drawn = draw(prefix);
            let presented = Presented::parse(&drawn.text).unwrap();
            assert_eq!(presented.key_id, drawn.key_id);
            assert_eq!(presented.hash(), drawn.hash);
        }
    }

    #[test]
    fn one_wrong_character_anywhere_is_noticed() {
        let text = draw(DEFAULT_PREFIX).text;
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'a' { b'b' } else { b'a' };
            let wrong = String::from_utf8(bytes).unwrap();
            assert!(Presented::parse(&wrong).is_none(), "{place}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for text in ["", ".", "onw_", "onw_abc.def", "no dots here at all", "onw_\u{5d0}bcdefghijk.x"] {
            assert!(Presented::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn prefixes_are_short_lower_case_words() {
        assert!(is_prefix("onw") && is_prefix("acme_live_2"));
        assert!(
            !is_prefix("") && !is_prefix("_a") && !is_prefix("A") && !is_prefix("a.b") && !is_prefix(&"a".repeat(33))
        );
    }
}
