//! Durations as people write them: `500ms`, `30s`, `5m`, `24h`, `7d`, or a sum such as `1h30m`.

use std::fmt::Write as _;
use std::time::Duration;

/// Milliseconds of each unit, the longest first: the order in which a sum is written.
const UNITS: [(&str, u64); 5] =
    [("d", 24 * 60 * 60 * 1000), ("h", 60 * 60 * 1000), ("m", 60 * 1000), ("s", 1000), ("ms", 1)];

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    #[error("it is empty")]
    Empty,
    #[error("a unit is missing")]
    NoUnit,
    #[error("a number with a unit was expected")]
    NoNumber,
    #[error("the units are d, h, m, s and ms")]
    UnknownUnit,
    #[error("the units of a sum go from large to small, each once")]
    Order,
    #[error("it is too long")]
    TooLong,
}

/// Parses `"500ms"`, `"30s"`, `"5m"`, `"24h"`, `"7d"` and sums of them, whole numbers only.
pub fn parse_duration(text: &str) -> Result<Duration, ParseDurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(ParseDurationError::Empty);
    }
    let mut total: u64 = 0;
    let mut units_left = &UNITS[..];
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(ParseDurationError::NoNumber);
        }
        let number: u64 = rest[..digits].parse().map_err(|_| ParseDurationError::TooLong)?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = &rest[..letters];
        rest = &rest[letters..];
        if unit.is_empty() {
            return Err(if rest.is_empty() { ParseDurationError::NoUnit } else { ParseDurationError::UnknownUnit });
        }
        let Some(place) = units_left.iter().position(|(name, _)| *name == unit) else {
            let known = UNITS.iter().any(|(name, _)| *name == unit);
            return Err(if known { ParseDurationError::Order } else { ParseDurationError::UnknownUnit });
        };
        let part = number.checked_mul(units_left[place].1).ok_or(ParseDurationError::TooLong)?;
        total = total.checked_add(part).ok_or(ParseDurationError::TooLong)?;
        units_left = &units_left[place + 1..];
    }
    Ok(Duration::from_millis(total))
}

/// The shortest text that [`parse_duration`] reads back as the same duration; below a millisecond it is cut.
pub fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    // The text is longer the more units it has, so a sum is only written where one unit does not do.
    if let Some((unit, size)) = UNITS.iter().find(|(_, size)| left.is_multiple_of(*size) && left / size < 1000) {
        return format!("{}{unit}", left / size);
    }
    let mut text = String::new();
    for (unit, size) in UNITS {
        if left >= size {
            write!(text, "{}{unit}", left / size).expect("a string takes everything");
            left %= size;
        }
    }
    text
}

/// For `#[serde(with = …)]`.
pub(crate) mod text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format_duration(*duration))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("1h30m", 5_400_000),
            ("1d1h1m1s1ms", 90_061_001),
            (" 0s ", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_says_why() {
        use ParseDurationError::{Empty, NoNumber, NoUnit, Order, TooLong, UnknownUnit};
        for (text, expected) in [
            ("", Empty),
            ("30", NoUnit),
            ("1h30", NoUnit),
            ("s", NoNumber),
            ("-5s", NoNumber),
            ("5 m", UnknownUnit),
            ("5min", UnknownUnit),
            ("1.5h", UnknownUnit),
            ("30m1h", Order),
            ("1m1m", Order),
            ("99999999999999999999s", TooLong),
            ("18446744073709551615d", TooLong),
        ] {
            assert_eq!(parse_duration(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn printing_gives_the_short_form() {
        for text in ["500ms", "30s", "5m", "24h", "1h30m", "7d", "1m30s", "1s500ms", "366d", "0s"] {
            let duration = parse_duration(text).unwrap();
            let printed = format_duration(duration);
            assert_eq!(parse_duration(&printed), Ok(duration));
            assert!(printed.len() <= text.len(), "{text} became {printed}");
        }
    }
}
