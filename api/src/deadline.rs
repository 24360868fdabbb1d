//! A database that neither answers nor hangs up must not keep callers waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::problem::{Code, Problem};
use crate::router::Api;

/// How much longer an answer may take, because the caller wants to wait for something.
#[derive(Debug, Clone, Default)]
pub struct Patience {
    millis: Arc<AtomicU64>,
}

impl Patience {
    pub fn allow(&self, more: Duration) {
        self.millis.fetch_add(u64::try_from(more.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn take(&self) -> Option<Duration> {
        let millis = self.millis.swap(0, Ordering::Relaxed);
        (millis > 0).then(|| Duration::from_millis(millis))
    }
}

/// Bounds what a handler does after its body has arrived. What it does before is short, and bounded by [`answered`].
pub async fn answer_in_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (held, body_gone) = oneshot::channel::<()>();
    // The sender is dropped with the body: when it has been read, or when nobody wants it.
    let patience = Patience::default();
    let mut request = request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &held;
            frame
        }))
    });
    request.extensions_mut().insert(patience.clone());
    let late = async {
        // Slow clients are told so by the reader of the body.
        let _ = timeout(api.settings.body_timeout, body_gone).await;
        sleep(api.settings.answer_timeout).await;
        while let Some(more) = patience.take() {
            sleep(more).await;
        }
    };
    tokio::select! {
        response = next.run(request) => response,
        () = late => unanswered(api.settings.answer_timeout).into_response(),
    }
}

/// For what a handler asks the database before it reads the body.
pub async fn answered<T, E: Into<Problem>>(api: &Api, asked: impl Future<Output = Result<T, E>>) -> Result<T, Problem> {
    let limit = api.settings.answer_timeout;
    timeout(limit, asked).await.map_err(|_| unanswered(limit))?.map_err(Into::into)
}

fn unanswered(after: Duration) -> Problem {
    tracing::warn!("the database did not answer within {after:?}");
    Problem::new(
        Code::Unavailable,
        "the database did not answer in time; what was asked for may still be carried out, so send it again with the \
         same Idempotency-Key",
    )
}
