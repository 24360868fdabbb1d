//! Faults on request: `?fault=hang`, for the first `&times=N` calls of a path and key, or for all without it.

use std::collections::HashMap;
use std::future::pending;
use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};

const CHUNK: Bytes = Bytes::from_static(&[b'x'; 64 * 1024]);
/// Well over what a client should accept.
const HUGE_CHUNKS: usize = 256;

/// Marks an answer in whose place the connection is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// In place of the work.
    Status(StatusCode),
    /// In place of the work: a status and where to go.
    Redirect(StatusCode, HeaderValue),
    /// In place of the work: too many requests, without a word about when to come back.
    Throttle,
    /// In place of the work: what a proxy says when nobody is behind it.
    Html,
    /// In place of the work: the connection is closed.
    Drop,
    /// After the work: an answer that is not the JSON it says it is.
    Garbled,
    /// After the work: no answer, for as long as the client cares to wait.
    Hang,
    /// After the work: the connection is closed.
    Reset,
    /// After the work: an answer that starts and never ends.
    Slow,
    /// After the work: an answer that breaks off.
    Cut,
    /// After the work: 16 MiB, without saying so beforehand.
    Huge,
}

impl Fault {
    /// `call` counts this call of the path and key, from 1.
    pub(super) fn wanted(query: &HashMap<String, String>, path: &str, call: u64) -> Option<Self> {
        let times = query.get("times").and_then(|times| times.parse().ok()).unwrap_or(u64::MAX);
        let fault = query.get("fault").filter(|_| call <= times)?;
        match fault.as_str() {
            "throttle" => Some(Self::Throttle),
            "html" => Some(Self::Html),
            "drop" => Some(Self::Drop),
            "garbled" => Some(Self::Garbled),
            "hang" => Some(Self::Hang),
            "reset" => Some(Self::Reset),
            "slow" => Some(Self::Slow),
            "cut" => Some(Self::Cut),
            "huge" => Some(Self::Huge),
            "redirect" => {
                let status = query.get("status").and_then(|status| status.parse().ok()).unwrap_or(StatusCode::FOUND);
                let to = HeaderValue::from_str(query.get("to").map_or(path, String::as_str)).ok()?;
                Some(Self::Redirect(status, to))
            }
            status => status.parse().ok().map(Self::Status),
        }
    }

    /// `work` is polled only by the faults that strike after it.
    pub(super) async fn strike(self, work: impl Future<Output = Response>) -> Response {
        match self {
            Self::Status(StatusCode::TOO_MANY_REQUESTS) => {
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], "too many requests").into_response()
            }
            Self::Status(status) => (status, format!("a fault was asked for: {status}")).into_response(),
            Self::Redirect(status, to) => (status, [(LOCATION, to)]).into_response(),
            Self::Throttle => (StatusCode::TOO_MANY_REQUESTS, "{}").into_response(),
            Self::Html => {
                let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
                (StatusCode::BAD_GATEWAY, [(CONTENT_TYPE, "text/html")], page).into_response()
            }
            Self::Drop => {
                let mut response = StatusCode::OK.into_response();
                response.extensions_mut().insert(Reset);
                response
            }
            Self::Garbled => work.await.map(|_| Body::from("{\"records\": [{\"id\"")),
            Self::Hang => {
                work.await;
                pending().await
            }
            Self::Reset => {
                let mut response = work.await;
                response.extensions_mut().insert(Reset);
                response
            }
            Self::Slow => work.await.map(|_| Body::from_stream(started().chain(stream::pending()))),
            Self::Cut => {
                // The beginning has to be on its way before the end is a surprise.
                let broken = stream::once(async {
                    tokio::task::yield_now().await;
                    Err(io::Error::from(io::ErrorKind::ConnectionReset))
                });
                work.await.map(|_| Body::from_stream(started().chain(broken)))
            }
            Self::Huge => {
                let chunks = stream::repeat_with(|| Ok::<_, io::Error>(CHUNK)).take(HUGE_CHUNKS);
                work.await.map(|_| Body::from_stream(chunks))
            }
        }
    }
}

fn started() -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    stream::once(async { Ok(Bytes::from_static(b"{")) })
}
