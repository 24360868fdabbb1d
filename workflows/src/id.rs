//! Ids: `UUIDv7` inside, a prefix and 26 Crockford base32 characters outside.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENCODED_LEN: usize = 26;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected `{prefix}_` and 26 characters of 0-9 A-Z without I, L, O, U")]
pub struct ParseIdError {
    prefix: &'static str,
}

fn encode(uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    (0..ENCODED_LEN)
        .rev()
        .map(|place| {
            let digit = (bits >> (place * 5)) & 31;
            char::from(ALPHABET[usize::try_from(digit).expect("a digit is below 32")])
        })
        .collect()
}

fn decode(text: &str) -> Option<Uuid> {
    if text.len() != ENCODED_LEN {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == byte.to_ascii_uppercase())?;
        if bits >> 123 != 0 {
            return None;
        }
        bits = (bits << 5) | u128::try_from(digit).expect("a digit is below 32");
    }
    Some(Uuid::from_u128(bits))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            pub const PREFIX: &str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}_{}", Self::PREFIX, encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(Self::PREFIX)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(ParseIdError { prefix: Self::PREFIX })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One execution of one version of a workflow.
    RunId,
    "run"
);
id!(
    /// A process that claims jobs.
    WorkerId,
    "wrk"
);
id!(
    /// A message that wakes runs and starts others.
    EventId,
    "evt"
);
id!(
    /// The public half of an API key's row; not the key itself.
    ApiKeyId,
    "key"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_printing_and_parsing() {
        for bits in [0, 1, u128::MAX, 0x0192_8374_6556_7788_9900_aabb_ccdd_eeff] {
            let id = RunId(Uuid::from_u128(bits));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), "run_".len() + ENCODED_LEN);
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "run_",
            "wrk_00000000000000000000000000",
            "run_Z0000000000000000000000000",
            "run_0000000000000000000000000U",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_sort_as_text_in_the_order_of_their_time() {
        let early = RunId(Uuid::from_u128(5 << 80));
        let late = RunId(Uuid::from_u128(6 << 80));
        assert!(early.to_string() < late.to_string());
    }
}
