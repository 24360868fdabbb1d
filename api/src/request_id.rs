//! Each request has an id, in its answer and in the log; and every problem gets its body here.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use onward_workflows::RunId;
use uuid::Uuid;

use crate::problem::Problem;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const ID_MAX: usize = 128;

/// Keeps the caller's id if it is a harmless word, makes one otherwise.
pub async fn identify(request: Request, next: Next) -> Response {
    let id = request.headers().get(&HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_word(id));
    let id = id.map_or_else(new_id, str::to_owned);
    let instance = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(problem.body(&instance, &id).to_string());
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn is_word(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

fn new_id() -> String {
    RunId(Uuid::now_v7()).to_string().replacen(RunId::PREFIX, "req", 1)
}
