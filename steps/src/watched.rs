//! A request body that knows whether the request may have left.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// True from the moment in which a connection took the request up. Before that nothing of it is on the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// HTTP/1.1 looks at the body, to choose between a length and chunks, before it writes the first byte of the head;
/// and it has a connection by then. An empty body is looked at as well, but never read.
#[derive(Debug)]
pub(crate) struct Watched {
    body: Option<Bytes>,
    sent: Sent,
}

impl Watched {
    pub(crate) fn new(body: Bytes, sent: Sent) -> Self {
        Self { body: Some(body).filter(|body| !body.is_empty()), sent }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.set();
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent.set();
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}
