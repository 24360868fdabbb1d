//! `pdf.render`: a PDF from a template, from HTML, or from a page.

mod cage;
mod chromium;
mod devtools;
mod engine;
mod options;
mod pdf;
mod wkhtmltopdf;

use onward_workflows::{ConfigField, ErrorKind, FieldKind, Outcome, StepError, StepType};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::backing::File;
use crate::config::{Fields, Problem};
use crate::documents::{Kind, document, fill};
use crate::fetched::{fetched, not_kept};
use crate::step::{Attempt, BuiltIn, Outside, unbounded};

use engine::Engine;
use options::Options;

const ENGINES: &[&str] = &["auto", "wkhtmltopdf", "chromium"];

const TYPE: StepType = StepType {
    name: "pdf.render",
    summary: "Makes a PDF: {url, expires_at, size, pages, engine}.",
    fields: &[
        field("template", FieldKind::Text, "The name of a template, without its ending."),
        field("data", FieldKind::Any, "What the template or `html` reads."),
        field("html", FieldKind::Text, "A document of its own, filled in with `data`, instead of a template."),
        field("url", FieldKind::Url, "A page, instead of a template; what it refers to is not loaded."),
        field(
            "options",
            FieldKind::Object,
            "page_size, orientation, margins, scale, background, header, footer, page_numbers.",
        ),
        field("filename", FieldKind::Text, "Of the result; the template's name unless written."),
        field("engine", FieldKind::OneOf(ENGINES), "auto takes wkhtmltopdf, and Chromium for what that cannot do."),
    ],
    secrets: &[],
    built_in: true,
};

/// The replaced system's name.
const OLD_TYPE: StepType =
    StepType { name: "pdf.generate", summary: "The replaced system's name for pdf.render.", ..TYPE };

pub(crate) const STEP: BuiltIn = BuiltIn {
    step_type: TYPE,
    // It changes nothing outside.
    safe_to_repeat: |_, _| true,
    bounds: unbounded,
    run: |outside, attempt| Box::pin(run(outside, attempt)),
};

pub(crate) const OLD: BuiltIn = BuiltIn { step_type: OLD_TYPE, ..STEP };

const fn field(name: &'static str, kind: FieldKind, summary: &'static str) -> ConfigField {
    ConfigField { name, kind, required: false, summary }
}

async fn run(outside: &Outside, attempt: Attempt<'_>) -> Outcome {
    match render(outside, attempt).await {
        Ok(output) => Outcome::Done(output),
        Err(outcome) => outcome,
    }
}

async fn render(outside: &Outside, attempt: Attempt<'_>) -> Result<Value, Outcome> {
    let deadline = Instant::now() + attempt.timeout;
    let fields = Fields::open(attempt.config, &TYPE)?;
    let options = Options::parse(fields)?;
    let html = source(outside, &attempt, fields, deadline).await?;
    let wish = match fields.text_or_none("engine")?.as_deref() {
        None | Some("auto") => None,
        Some("wkhtmltopdf") => Some(Engine::Wkhtmltopdf),
        Some("chromium") => Some(Engine::Chromium),
        Some(_) => return Err(Problem::new("engine", format!("must be one of {}", ENGINES.join(", "))).into()),
    };
    let engine = engine::choose(wish, &options, &html)?;
    let bytes = match engine {
        Engine::Wkhtmltopdf => wkhtmltopdf::render(&html, &options, deadline).await,
        Engine::Chromium => chromium::render(&html, &options, deadline).await,
    };
    let bytes = bytes.map_err(Outcome::Failed)?;
    let pages = pdf::pages(&bytes).ok_or_else(|| {
        let text = format!("{} did not make a whole PDF", engine.name());
        Outcome::Failed(StepError::new(ErrorKind::Internal, text).retryable())
    })?;
    let size = bytes.len();
    let name = name(fields)?;
    let file = File { name, media_type: "application/pdf".to_owned(), bytes };
    let kept = attempt.backing.keep(file).await.map_err(|error| not_kept(&error))?;
    Ok(json!({
        "url": kept.url, "expires_at": kept.expires_at, "size": size, "pages": pages, "engine": engine.name(),
    }))
}

async fn source(
    outside: &Outside,
    attempt: &Attempt<'_>,
    fields: Fields<'_>,
    deadline: Instant,
) -> Result<String, Outcome> {
    let empty = json!({});
    let data = fields.value("data").unwrap_or(&empty);
    Ok(match fields.one_of(&["template", "html", "url"])? {
        "template" => document(&outside.services, Kind::Html, &fields.text("template")?, data).await?,
        "html" => fill(Kind::Html, "html", &fields.text("html")?, data)?,
        _ => {
            let page = fetched(&outside.clients, attempt.backing, "url", &fields.text("url")?, deadline).await?;
            String::from_utf8(page.bytes).map_err(|_| Problem::new("url", "leads to a page that is not UTF-8 text"))?
        }
    })
}

fn name(fields: Fields<'_>) -> Result<String, Problem> {
    let name = match (fields.text_or_none("filename")?, fields.text_or_none("template")?) {
        (Some(name), _) => name,
        (None, Some(template)) => template,
        (None, None) => "document".to_owned(),
    };
    let has_ending = std::path::Path::new(&name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("pdf"));
    Ok(if has_ending { name } else { format!("{name}.pdf") })
}
