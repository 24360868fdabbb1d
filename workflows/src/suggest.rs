//! "Did you mean": only when it is likely.

/// Below this a suggestion is more often wrong than right.
const SIMILAR_ENOUGH: f64 = 0.6;

/// Longer names are compared with nothing: it would take long, and nobody mistypes them by a letter.
const NAME_MAX: usize = 64;

/// The candidate that `name` was probably meant to be.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > NAME_MAX {
        return None;
    }
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= NAME_MAX)
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR_ENOUGH)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// "`a`, `b` and `c`", with a limit so that a message stays readable.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN_MAX: usize = 16;
    let names: Vec<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN_MAX {
        return format!("{} and {} more", shown.join(", "), names.len() - SHOWN_MAX);
    }
    match shown.pop() {
        None => "none".to_owned(),
        Some(only) if shown.is_empty() => only,
        Some(last) => format!("{} and {last}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_similar_is_suggested() {
        assert_eq!(closest("retrys", ["retries", "retry", "type"]), Some("retry"));
        assert_eq!(closest("Timeout", ["timeout"]), Some("timeout"));
        assert_eq!(closest("source", ["schedule", "endpoint"]), None);
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(listed([]), "none");
    }
}
