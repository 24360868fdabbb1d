//! Files that steps have made, for whoever has a signed address.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use onward_engine::find_file;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::page::Query;
use crate::problem::Problem;
use crate::router::Api;

/// Needs no key: the signature is one, for this file and for a time. A wrong one, an expired one and a file that is gone
/// are told apart by nobody.
pub async fn fetch(
    State(api): State<Api>,
    Path((id, name)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::parse(&uri, &["expires", "signature"])?;
    let expires = query.one("expires").and_then(|expires| expires.parse().ok()).unwrap_or_default();
    let found = find_file(&api.engine, &id, &name, expires, query.one("signature").unwrap_or_default()).await;
    let file = found?.ok_or_else(|| Problem::not_found("such file, or its address has expired"))?;
    let shown = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    let headers = [
        (CONTENT_TYPE, file.media_type),
        (CONTENT_DISPOSITION, format!("inline; filename*=UTF-8''{shown}")),
        (CACHE_CONTROL, "private, max-age=3600".to_owned()),
        // What a step made may be anything, HTML of a customer too: it is shown, and does nothing.
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; style-src 'unsafe-inline'".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from(file.bytes)).into_response())
}
