//! Workflows: what is deployed, and deploying.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use onward_engine::{
    Answer, DeployAction, DeployError, DeployOptions, Deployed, Expect, Principal, Scope, check_documents, deploy_in,
    find_workflow, forget_endpoints, list_workflows, offered_catalog, once,
};
use onward_workflows::{Format, Source};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::auth;
use crate::body;
use crate::idempotency;
use crate::page::Query;
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::router::Api;

/// Many documents in one request; each of them is limited by the checker.
const DEPLOY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Room for the quoting of a document at its own limit.
const DOCUMENT_BYTES_MAX: usize = 512 * 1024;

pub async fn list(State(api): State<Api>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::WorkflowsRead).await?;
    let query = Query::parse(&uri, &["enabled", "limit", "cursor"])?;
    let page = list_workflows(&api.engine, query.parsed("enabled")?, query.one("cursor"), query.limit()?).await?;
    Ok(Json(page).into_response())
}

pub async fn show(State(api): State<Api>, Name(id): Name, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::WorkflowsRead).await?;
    let query = Query::parse(&uri, &["version"])?;
    let found = find_workflow(&api.engine, &id, query.parsed("version")?).await?;
    let found = found.ok_or_else(|| Problem::not_found(&format!("workflow `{id}`, or no such version of it")))?;
    let etag = etag(found.version);
    let known = is_known(&headers, &etag);
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { Json(found).into_response() };
    response.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).expect("a version is a number"));
    Ok(response)
}

/// Weak or strong is the same here: a version never changes.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn etag(version: i32) -> String {
    format!("\"v{version}\"")
}

/// What is wrong with a document, for editors and models: always 200.
pub async fn validate(State(api): State<Api>, headers: HeaderMap, uri: Uri, body: Body) -> Result<Response, Problem> {
    auth::require(&api, &headers, Scope::WorkflowsRead).await?;
    Query::refuse(&uri)?;
    let bytes = body::read(body, DOCUMENT_BYTES_MAX, api.settings.body_timeout).await?;
    let (text, format) = body::parse_document(&headers, &bytes)?;
    let checked = onward_engine::validate(&offered_catalog(&api.engine).await?, &Source::new("document", text, format));
    let valid = checked.is_valid();
    Ok(Json(json!({ "valid": valid, "diagnostics": checked.diagnostics, "omitted": checked.omitted })).into_response())
}

pub async fn create(State(api): State<Api>, headers: HeaderMap, uri: Uri, body: Body) -> Result<Response, Problem> {
    let caller = auth::require(&api, &headers, Scope::WorkflowsWrite).await?;
    let dry_run = Query::parse(&uri, &["dry_run"])?.flag("dry_run")?;
    let bytes = body::read(body, DOCUMENT_BYTES_MAX, api.settings.body_timeout).await?;
    let (text, format) = body::parse_document(&headers, &bytes)?;
    let source = Source::new("document", text, format);
    let wish = Wish { sources: vec![source], dry_run, prune: false, expect: Expect::Nothing, only: None };
    carry_out(&api, &headers, &caller, "workflows", &bytes, wish, |deployed| one(deployed, StatusCode::CREATED)).await
}

pub async fn replace(
    State(api): State<Api>,
    Name(id): Name,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let caller = auth::require(&api, &headers, Scope::WorkflowsWrite).await?;
    let dry_run = Query::parse(&uri, &["dry_run"])?.flag("dry_run")?;
    let bytes = body::read(body, DOCUMENT_BYTES_MAX, api.settings.body_timeout).await?;
    let (text, format) = body::parse_document(&headers, &bytes)?;
    let expect = expected(&headers)?;
    let source = Source::new("document", text, format);
    let wish = Wish { sources: vec![source], dry_run, prune: false, expect, only: Some(id.clone()) };
    let route = format!("workflows/{id}");
    carry_out(&api, &headers, &caller, &route, &bytes, wish, |deployed| one(deployed, StatusCode::OK)).await
}

fn expected(headers: &HeaderMap) -> Result<Expect, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(Expect::Anything) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(Expect::Something);
    }
    let version =
        text.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"')).and_then(|version| version.parse().ok());
    version
        .map(Expect::Version)
        .ok_or_else(|| Problem::new(Code::Malformed, "If-Match takes an ETag of this workflow, or *"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeployRequest {
    documents: Vec<DeployDocument>,
    #[serde(default)]
    prune: bool,
    #[serde(default)]
    dry_run: bool,
}

/// A text with its name, or the document itself as JSON.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum DeployDocument {
    Text(DocumentText),
    Object(Map<String, Value>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentText {
    /// Shown in diagnostics.
    file: String,
    format: DocumentFormat,
    text: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DocumentFormat {
    Json,
    Yaml,
}

impl From<DocumentFormat> for Format {
    fn from(format: DocumentFormat) -> Self {
        match format {
            DocumentFormat::Json => Self::Json,
            DocumentFormat::Yaml => Self::Yaml,
        }
    }
}

pub async fn deploy(State(api): State<Api>, headers: HeaderMap, uri: Uri, body: Body) -> Result<Response, Problem> {
    let caller = auth::require(&api, &headers, Scope::WorkflowsWrite).await?;
    Query::refuse(&uri)?;
    let bytes = body::read(body, DEPLOY_BYTES_MAX, api.settings.body_timeout).await?;
    let request: DeployRequest = body::parse_request(&headers, &bytes)?;
    let sources = request.documents.into_iter().enumerate().map(|(place, document)| match document {
        DeployDocument::Text(DocumentText { file, format, text }) => Source::new(file, text, format.into()),
        DeployDocument::Object(object) => {
            Source::new(format!("documents/{place}"), Value::Object(object).to_string(), Format::Json)
        }
    });
    let wish = Wish {
        sources: sources.collect(),
        dry_run: request.dry_run,
        prune: request.prune,
        expect: Expect::Anything,
        only: None,
    };
    carry_out(&api, &headers, &caller, "workflows/deploy", &bytes, wish, all).await
}

struct Wish {
    sources: Vec<Source>,
    dry_run: bool,
    prune: bool,
    expect: Expect,
    /// The id that the document must have.
    only: Option<String>,
}

/// Checks before anything is locked, then deploys and remembers the answer in one transaction.
async fn carry_out(
    api: &Api,
    headers: &HeaderMap,
    caller: &Principal,
    route: &str,
    bytes: &[u8],
    wish: Wish,
    shape: fn(&Deployed) -> Answer,
) -> Result<Response, Problem> {
    let documents = check_documents(&offered_catalog(&api.engine).await?, wish.sources)?;
    if let Some(id) = &wish.only
        && let Some(other) = documents.iter().find(|document| document.definition.id != *id)
    {
        let detail = format!("the document's id is `{}`, the path says `{id}`", other.definition.id);
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    let options =
        DeployOptions { dry_run: wish.dry_run, prune: wish.prune, by: caller.name.clone(), expect: wish.expect };
    if wish.dry_run {
        let mut transaction = api.engine.pool().begin().await?;
        let planned = deploy_in(&mut transaction, api.engine.versions().catalog(), &documents, &options).await?;
        transaction.rollback().await?;
        return Ok(Json(planned).into_response());
    }
    let key = idempotency::answer_key(headers, caller, route, bytes)?;
    let versions = Arc::clone(api.engine.versions());
    let answered = once(&api.engine, key, move |connection| {
        async move {
            let deployed = deploy_in(connection, versions.catalog(), &documents, &options).await?;
            Ok::<_, DeployError>(shape(&deployed))
        }
        .boxed()
    })
    .await?;
    forget_endpoints(&api.engine);
    Ok(idempotency::give(answered))
}

fn all(deployed: &Deployed) -> Answer {
    Answer { status: 200, location: None, etag: None, body: json!(deployed).to_string() }
}

fn one(deployed: &Deployed, created: StatusCode) -> Answer {
    let row = deployed.workflows.first();
    let new = row.is_some_and(|row| row.action == DeployAction::Created);
    let status = if new { StatusCode::CREATED } else { created };
    Answer {
        status: status.as_u16(),
        location: row.map(|row| format!("/api/v1/workflows/{}", row.id)),
        etag: row.map(|row| etag(row.version)),
        body: row.map_or(Value::Null, |row| json!(row)).to_string(),
    }
}
