//! "Did you mean": only when it is likely.

/// Below this a suggestion is more often wrong than right.
const SIMILAR_ENOUGH: f64 = 0.6;

/// Longer names are compared with nothing: it would take long, and nobody mistypes them by a letter.
const NAME_MAX: usize = 64;

/// Letters that a key must begin with to be alike for that reason alone.
const BEGINNING_MIN: usize = 4;

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

/// The key of somebody's data that `name` was probably meant to be: case, spaces and signs do not count, and a key may
/// begin with the name.
pub(crate) fn alike<'a>(name: &str, keys: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let name = bare(name);
    if name.is_empty() || name.len() > NAME_MAX {
        return None;
    }
    let similarity = |key: &str| {
        let key = bare(key);
        let begins = name.chars().count() >= BEGINNING_MIN && key.starts_with(&name);
        let similarity = strsim::normalized_damerau_levenshtein(&name, &key);
        if begins { similarity.max(SIMILAR_ENOUGH) } else { similarity }
    };
    let near = keys.into_iter().filter(|key| key.len() <= NAME_MAX).map(|key| (similarity(key), key));
    // Of several that are equally alike the first by name, whatever order they come in.
    near.filter(|(similarity, _)| *similarity >= SIMILAR_ENOUGH)
        .max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.cmp(left.1)))
        .map(|(_, key)| key)
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
    fn keys_of_data_are_alike_whatever_their_case_and_spaces() {
        assert_eq!(alike("Phone", ["ID", "Name", "Phone number"]), Some("Phone number"));
        assert_eq!(alike("phone_number", ["Phone", "Phone number"]), Some("Phone number"));
        assert_eq!(alike("emial", ["Email", "Name"]), Some("Email"));
        assert_eq!(alike("id", ["Identity", "Name"]), None);
        assert_eq!(alike("ab", ["ac", "a b", "A_B"]), Some("A_B"));
        assert_eq!(alike("--", ["-", "a"]), None);
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(listed([]), "none");
    }
}
