//! Documents that steps send: templates of the installation, or written in the step itself, filled in with data.

use onward_workflows::{DocumentError, DocumentTemplate};
use serde_json::Value;

use crate::config::Problem;
use crate::services::Services;

const NAME_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    Text,
}

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Text => "txt",
        }
    }
}

/// A template of the installation's folder, by its name without ending.
pub(crate) async fn document(services: &Services, kind: Kind, name: &str, data: &Value) -> Result<String, Problem> {
    let source = read(services, kind, name).await?;
    fill(kind, "template", &source, data)
}

pub(crate) async fn exists(services: &Services, kind: Kind, name: &str) -> bool {
    is_name(name) && tokio::fs::metadata(path(services, kind, name)).await.is_ok_and(|found| found.is_file())
}

/// A template that is written in the step's own field.
pub(crate) fn fill(kind: Kind, field: &str, source: &str, data: &Value) -> Result<String, Problem> {
    let template = DocumentTemplate::compile(source)
        .map_err(|error| Problem::new(field, format!("cannot be used: {}", error.message)))?;
    let template = if kind == Kind::Text { template.as_text() } else { template };
    template.render(data).map_err(|error| match error {
        DocumentError::Refused { .. } | DocumentError::TooLarge | DocumentError::TooMuchWork => {
            Problem::new(field, format!("cannot be filled in: {error}"))
        }
    })
}

/// A name is a name and not a path, so none leads out of the folder.
async fn read(services: &Services, kind: Kind, name: &str) -> Result<String, Problem> {
    if !is_name(name) {
        let text = format!("must be a name: letters, digits, `-` and `_`, at most {NAME_MAX}");
        return Err(Problem::new("template", text));
    }
    let path = path(services, kind, name);
    tokio::fs::read_to_string(&path).await.map_err(|error| {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::NotFound => Problem::new("template", format!("names no template: there is no {shown}")),
            _ => Problem::new("template", format!("cannot be read: {shown}: {error}")),
        }
    })
}

fn path(services: &Services, kind: Kind, name: &str) -> std::path::PathBuf {
    services.templates.join(format!("{name}.{}", kind.ending()))
}

fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        assert!(is_name("visa-approval") && is_name("visa_status2"));
        for name in ["", "../x", "a/b", "a.b", "/etc/passwd", "שם", "a\0", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
