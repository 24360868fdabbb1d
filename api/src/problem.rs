//! Problem details (RFC 9457): the one shape of every error.

mod causes;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

pub const CONTENT: &str = "application/problem+json";
const RETRY_SOON: HeaderValue = HeaderValue::from_static("2");

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// Stable: a caller may act on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    Malformed = "malformed", BAD_REQUEST, "The request cannot be read";
    Unauthorized = "unauthorized", UNAUTHORIZED, "A key is needed";
    SignatureRefused = "signature_refused", UNAUTHORIZED, "The signature is not accepted";
    HandshakeRefused = "handshake_refused", FORBIDDEN, "The handshake is not accepted";
    MissingScope = "missing_scope", FORBIDDEN, "The key does not allow this";
    NotFound = "not_found", NOT_FOUND, "There is no such thing";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This method is not offered here";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request did not arrive in time";
    WorkflowDisabled = "workflow_disabled", CONFLICT, "The workflow is disabled";
    RunAlreadyEnded = "run_already_ended", CONFLICT, "The run has ended";
    RunNotFailed = "run_not_failed", CONFLICT, "The run has not failed";
    RunNotRepeatable = "run_not_repeatable", CONFLICT, "The run cannot go on";
    StepNotWaiting = "step_not_waiting", CONFLICT, "The step does not wait";
    StepNotRepeatable = "step_not_repeatable", CONFLICT, "The step cannot be tried again";
    ChangedMeanwhile = "changed_meanwhile", CONFLICT, "Somebody else was faster";
    AlreadyExists = "already_exists", CONFLICT, "It exists already";
    EndpointTaken = "endpoint_taken", CONFLICT, "Another workflow has this endpoint";
    SecretInUse = "secret_in_use", CONFLICT, "Workflows use this secret";
    IdempotencyInWork = "idempotency_in_work", CONFLICT, "The first request with this key is still in work";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It has changed meanwhile";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "This content type is not understood";
    InvalidWorkflow = "invalid_workflow", UNPROCESSABLE_ENTITY, "The workflow is invalid";
    InvalidInputs = "invalid_inputs", UNPROCESSABLE_ENTITY, "The inputs do not fit the workflow";
    InvalidRequest = "invalid_request", UNPROCESSABLE_ENTITY, "The request does not mean anything";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The key was used for another request";
    QueueFull = "queue_full", TOO_MANY_REQUESTS, "Workers have to catch up first";
    Internal = "internal", INTERNAL_SERVER_ERROR, "This is a fault of Onward";
    /// For callers that wait for a run's output.
    RunFailed = "run_failed", BAD_GATEWAY, "The run failed";
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "This server cannot do its work";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The database does not answer";
}

#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    /// Further members: `errors`, `diagnostics`, `scope`, …
    pub members: Map<String, Value>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), members: Map::new() }
    }

    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.members.insert(member.to_owned(), value);
        self
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no {what}"))
    }

    /// The body; `instance` and `request_id` are known where the request is.
    pub fn body(&self, instance: &str, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("urn:onward:problem:{}", self.code.as_str().replace('_', "-")),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "code": self.code.as_str(),
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
        });
        for (member, value) in &self.members {
            body[member] = value.clone();
        }
        body
    }
}

impl IntoResponse for Problem {
    /// Leaves the problem in the response's extensions; the outermost layer writes the body.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        match self.code {
            Code::Unavailable | Code::NotReady | Code::IdempotencyInWork | Code::QueueFull => {
                response.headers_mut().insert(RETRY_AFTER, RETRY_SOON);
            }
            Code::Unauthorized => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"onward\""));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}
