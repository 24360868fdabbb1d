//! Airtable's formula language, as far as a look-up writes it.

/// `key` in any case and with blanks around it. What is not text is compared by how it is shown.
pub(super) fn equals(field: &str, key: &str) -> String {
    format!("LOWER(TRIM({}&''))={}", name(field), quoted(&key.trim().to_lowercase()))
}

pub(super) fn any_record(ids: &[&str]) -> String {
    let terms: Vec<String> = ids.iter().map(|id| format!("RECORD_ID()={}", quoted(id))).collect();
    format!("OR({})", terms.join(","))
}

fn name(field: &str) -> String {
    format!("{{{}}}", field.replace('}', "\\}"))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(equals("Email", " Dana@Example.test"), "LOWER(TRIM({Email}&''))='dana@example.test'");
        assert_eq!(equals("E}mail", r"O'Brien\x"), r"LOWER(TRIM({E\}mail}&''))='o\'brien\\x'");
        assert_eq!(equals("ID", r"x\"), r"LOWER(TRIM({ID}&''))='x\\'");
        assert_eq!(equals("שם", "דנה"), "LOWER(TRIM({שם}&''))='דנה'");
        assert_eq!(any_record(&["recA", "recB"]), "OR(RECORD_ID()='recA',RECORD_ID()='recB')");
    }
}
