//! Ids made from names.

use sha2::{Digest as _, Sha256};

/// The longest id of a workflow.
pub(crate) const SLUG_MAX: usize = 64;

/// A name as an id: lower-case Latin letters and digits with single hyphens between. None for a name without a Latin
/// letter, because what would be left of it says nothing.
pub fn slug(name: &str) -> Option<String> {
    if !name.contains(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let words: Vec<String> = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut slug = words.join("-");
    slug.truncate(SLUG_MAX);
    Some(slug.trim_end_matches('-').to_owned())
}

/// `[a-z0-9][a-z0-9_-]{0,63}`; a UUID may also have capital letters.
pub(crate) fn is_workflow_id(id: &str) -> bool {
    let is_slug = id.len() <= SLUG_MAX
        && id.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
    is_slug || (id.len() == 36 && uuid::Uuid::try_parse(id).is_ok())
}

/// As the jobs' table takes it.
pub fn is_queue_name(name: &str) -> bool {
    name.len() <= SLUG_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The id of an old document whose name has no Latin letter: the same name gives the same id.
pub(crate) fn derived(name: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(name).iter().take(6).fold("workflow-".to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug() {
        for (name, expected) in [
            ("Visa Status Update", Some("visa-status-update")),
            ("  a -- b__c ", Some("a-b-c")),
            ("Größe 3", Some("gr-e-3")),
            ("ויזה", None),
            ("12 + 3", None),
        ] {
            assert_eq!(slug(name).as_deref(), expected, "{name}");
        }
        let long = slug(&"word ".repeat(40)).unwrap();
        assert!(long.len() <= SLUG_MAX && is_workflow_id(&long), "{long}");
    }

    #[test]
    fn ids_are_slugs_or_uuids() {
        for good in ["a", "0a_b-c", "01928374-6556-7788-9900-AABBCCDDEEFF"] {
            assert!(is_workflow_id(good), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "é", &"a".repeat(65)] {
            assert!(!is_workflow_id(bad), "{bad}");
        }
        assert!(is_workflow_id(&derived("ויזה")));
    }
}
