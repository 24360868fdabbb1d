//! Which program makes the pages.

use super::cage::find;
use super::options::Options;
use crate::config::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// Quick and small; knows the web of about 2015.
    Wkhtmltopdf,
    /// Slower and larger; knows all of it.
    Chromium,
}

/// Marks of modern style sheets that the older one does not understand.
const MODERN: [&str; 5] = ["display:grid", "display: grid", "var(--", "gap:", "aspect-ratio"];

impl Engine {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wkhtmltopdf => "wkhtmltopdf",
            Self::Chromium => "chromium",
        }
    }

    fn is_there(self) -> bool {
        self.program().is_some()
    }

    /// Under one of the names that distributions give it.
    pub(super) fn program(self) -> Option<std::path::PathBuf> {
        match self {
            Self::Wkhtmltopdf => find(&["wkhtmltopdf"]),
            Self::Chromium => find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
        }
    }
}

/// What the pages need that only Chromium has.
fn need(options: &Options, html: &str) -> Option<&'static str> {
    if options.header.is_some() || options.footer.is_some() || options.page_numbers {
        return Some("headers, footers and page numbers");
    }
    if html.chars().any(is_pointed) {
        return Some("Hebrew with vowel points");
    }
    if html.chars().any(is_emoji) {
        return Some("emoji");
    }
    MODERN.iter().any(|mark| html.contains(mark)).then_some("the style sheet")
}

pub(super) fn choose(wish: Option<Engine>, options: &Options, html: &str) -> Result<Engine, Problem> {
    let need = need(options, html);
    match (wish, need) {
        (Some(Engine::Wkhtmltopdf), Some(what @ "headers, footers and page numbers")) => {
            Err(Problem::new("engine", format!("wkhtmltopdf cannot make {what}; write chromium, or leave it out")))
        }
        (Some(engine), _) if engine.is_there() => Ok(engine),
        (Some(engine), _) => Err(Problem::new("engine", format!("{} is not installed on this worker", engine.name()))),
        (None, Some(_)) if Engine::Chromium.is_there() => Ok(Engine::Chromium),
        (None, Some(what)) => Err(Problem::new(
            "engine",
            format!("must be chromium for {what}, and that is not installed on this worker"),
        )),
        (None, None) if Engine::Wkhtmltopdf.is_there() => Ok(Engine::Wkhtmltopdf),
        (None, None) if Engine::Chromium.is_there() => Ok(Engine::Chromium),
        (None, None) => {
            Err(Problem::new("engine", "is missing: neither wkhtmltopdf nor chromium is installed on this worker"))
        }
    }
}

/// Points at the beginning of a right-aligned line are shifted past the edge by the older engine.
fn is_pointed(letter: char) -> bool {
    matches!(letter, '\u{0591}'..='\u{05bd}' | '\u{05bf}'..='\u{05c7}')
}

fn is_emoji(letter: char) -> bool {
    matches!(letter, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::TYPE;
    use super::*;
    use crate::config::Fields;

    fn options(options: &serde_json::Value) -> Options {
        let config = json!({ "options": options });
        Options::parse(Fields::open(&config, &TYPE).unwrap()).unwrap()
    }

    #[test]
    fn what_the_older_engine_cannot_do_is_seen() {
        let plain = options(&json!({}));
        for html in ["<p>שלום ₪ 12 – hello</p>", "<table dir=rtl>", "<p>יו״ר (א־ב)</p>"] {
            assert_eq!(need(&plain, html), None, "{html}");
        }
        for html in ["<p>שָׁלוֹם</p>", "<p>🇮🇳</p>", "<p>✓</p>", "<style>p{display:grid}</style>"] {
            assert!(need(&plain, html).is_some(), "{html}");
        }
        assert!(need(&options(&json!({ "page_numbers": true })), "<p>").is_some());
    }

    #[test]
    fn a_wish_that_cannot_be_met_is_said() {
        let numbered = options(&json!({ "page_numbers": true }));
        let error = choose(Some(Engine::Wkhtmltopdf), &numbered, "<p>").unwrap_err();
        assert!(error.text.contains("cannot make headers, footers and page numbers"), "{error:?}");
    }
}
