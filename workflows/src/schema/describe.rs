//! A few words about a field, from its page of `explain`.

use crate::explain::{field_page, part_page};

/// The page's title with what the field may be; for a part of a field the sentence about it.
pub(super) fn field(place: &str, name: &str) -> Option<String> {
    if let Some((title, text)) = part_page(Some(place), name) {
        return Some(sentence(text, name).unwrap_or_else(|| format!("{title}.")));
    }
    let Some((title, text)) = field_page(name) else {
        return part_page(None, name).map(|(title, _)| format!("{title}."));
    };
    let first = text.trim_start().split("\n\n").next().unwrap_or_default();
    let words = first.split_whitespace().collect::<Vec<_>>().join(" ");
    // The page begins with where the field stands, which an editor knows already.
    let kind = words.strip_prefix("Where: ").unwrap_or(&words).split_once(". ").map(|(_, kind)| kind);
    Some(kind.map_or(format!("{title}."), |kind| format!("{title}. {}.", kind.trim_end_matches([':', '.']))))
}

/// Of a list such as "* `max`: repetitions; 3 by default." what it says about one name.
fn sentence(text: &str, name: &str) -> Option<String> {
    let start = format!("`{name}`: ");
    let (_, rest) = text.split_once(&start)?;
    let rest = rest.split("\n* ").next()?.split("\n\n").next()?;
    let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    // The next name may follow on the same line.
    let end = words.find(". `").unwrap_or(words.len());
    let words = words[..end].trim_end_matches(['.', ';', ',']);
    let mut letters = words.chars();
    let first = letters.next()?;
    Some(format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_their_parts_are_described() {
        assert_eq!(
            field("step", "retries").as_deref(),
            Some("How often a step is repeated. A number from 0 to 100; 3 by default for steps that do work.")
        );
        assert_eq!(field("retry", "max_delay").as_deref(), Some("No pause is longer; `5m`."));
        assert_eq!(
            field("retry", "max").as_deref(),
            Some("Repetitions, so attempts are one more; 0 to 100, 3 by default.")
        );
        assert_eq!(field("cache", "ttl").as_deref(), Some("Reusing a result."));
        assert_eq!(field("step", "nothing"), None);
    }
}
