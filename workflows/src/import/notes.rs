//! What a reviewer has to know.

use super::ordered::Ordered;

#[derive(Debug, Default)]
pub(super) struct Notes {
    all: Vec<String>,
}

impl Notes {
    /// The same thing about the same part is said once.
    pub fn add(&mut self, about: &str, text: impl AsRef<str>) {
        let note = format!("{about}: {}", text.as_ref());
        if !self.all.contains(&note) {
            self.all.push(note);
        }
    }

    pub fn all(self) -> Vec<String> {
        self.all
    }

    /// What every document meets that was written for the old runner.
    pub fn about_document(&mut self, steps: &[Ordered], variables: &[String]) {
        if steps.len() > 1 {
            self.add(
                "steps",
                "each waits for the one above it; before, they were only put into a queue, one after the other",
            );
        }
        self.add("steps", "one that fails for good fails the run; before, the run went on. Where that is wanted write `on_error: continue`");
        if steps.iter().any(|step| step.get("retries").is_some() || step.get("timeout").is_some()) {
            self.add("steps", "`retries` and `timeout` are kept to; before, they were stored and ignored");
        }
        if !variables.is_empty() {
            self.add("variables", "templates can read them; before, they never reached one");
        }
    }
}
