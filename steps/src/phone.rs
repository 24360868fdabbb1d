//! Phone numbers as the services write them: digits with the country code, and nothing else.

use crate::config::Problem;

/// Israel's numbers are often written with the zero that is dialled inside the country; services take such a number for
/// another person's.
const STRAY_ZERO: &str = "9720";

pub(crate) fn digits(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let harmless = |letter: char| letter.is_ascii_digit() || " +-().\u{200e}\u{200f}".contains(letter);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").map_or(digits.clone(), str::to_owned);
    if !text.chars().all(harmless) || !(8..=15).contains(&digits.len()) || digits.starts_with('0') {
        return Err(Problem::new(field, "must be a phone number with its country code, such as +972501234567"));
    }
    Ok(match digits.strip_prefix(STRAY_ZERO) {
        Some(rest) => format!("972{rest}"),
        None => digits,
    })
}

/// The same number as somebody may have written it before.
pub(crate) fn with_stray_zero(digits: &str) -> Option<String> {
    digits.strip_prefix("972").map(|rest| format!("{STRAY_ZERO}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(digits("to", text).ok().as_deref(), expected, "{text}");
        check("+999 501-112 222", Some("999501112222"));
        check("(999) 501.112.222", Some("999501112222"));
        check("00999501112222", Some("999501112222"));
        check("+972 050 000 0000", Some("972500000000"));
        check("\u{200e}+999501112222", Some("999501112222"));
        check("0501112222", None);
        check("99950", None);
        check("call me", None);
        check("999501112222 ext 4", None);
        check("", None);
        assert_eq!(with_stray_zero("972500000000").as_deref(), Some("9720500000000"));
        assert_eq!(with_stray_zero("999500000000"), None);
    }
}
