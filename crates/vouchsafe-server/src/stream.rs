//! Bodies that are too large to hold: answers that are made while they are sent, and uploads that
//! are read while they are used.
//!
//! Both are bounded by time between two pieces instead of time altogether: a large store takes as
//! long as it takes, and a peer that stops has stopped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use vouchsafe_logical::{BoxFuture, ByteStream, Error, ErrorKind};

use crate::listen::spawn;

/// How many pieces wait to be sent, at most.
const PIECES_WAITING: usize = 2;

/// The body of an answer.
pub(crate) enum AnswerBody {
    /// All of it.
    Whole(Full<Bytes>),
    /// What a task makes while it is sent.
    Stream {
        pieces: mpsc::Receiver<Result<Bytes, BrokenOff>>,
        /// Dropped when the body was sent, or nobody wants it any more.
        held: Option<Box<dyn Send + Sync>>,
    },
}

/// The rest of an answer is not to be had. The operator's log knows why.
#[derive(Debug, thiserror::Error)]
#[error("the answer breaks off")]
pub(crate) struct BrokenOff;

impl AnswerBody {
    /// A body from a source. Its next piece is waited for, and its last one is taken, in `patience`
    /// each; a client that takes longer is left.
    pub(crate) fn stream(source: Box<dyn ByteStream>, patience: Duration) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_WAITING);
        drop(spawn(pump(source, sender, patience)));
        Self::Stream { pieces, held: None }
    }

    /// Keeps something until a streamed body was sent; what is whole is as good as sent.
    pub(crate) fn hold(&mut self, what: impl Send + Sync + 'static) {
        if let Self::Stream { held, .. } = self {
            *held = Some(Box::new(what));
        }
    }
}

impl From<Bytes> for AnswerBody {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|never| match never {}),
            Self::Stream { pieces, .. } => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream { .. } => SizeHint::new(),
        }
    }
}

/// Moves pieces from a source to whoever sends them. What the source holds (a reading of the store)
/// is let go when the client stops.
async fn pump(
    mut source: Box<dyn ByteStream>,
    sender: mpsc::Sender<Result<Bytes, BrokenOff>>,
    patience: Duration,
) {
    loop {
        let piece = match source.next().await {
            Ok(None) => return,
            Ok(Some(bytes)) => Ok(bytes),
            Err(error) => {
                let detail = error
                    .detail()
                    .map(vouchsafe_logical::error::Detail::for_operator);
                tracing::error!(
                    reason = error.reason(),
                    detail,
                    "a streamed answer breaks off"
                );
                Err(BrokenOff)
            }
        };
        let is_last = piece.is_err();
        match tokio::time::timeout(patience, sender.send(piece)).await {
            Ok(Ok(())) if !is_last => {}
            Ok(Ok(()) | Err(_)) => return,
            Err(_) => {
                tracing::warn!("a client stopped taking a streamed answer and was left");
                return;
            }
        }
    }
}

/// The body of a request, as it comes.
pub(crate) struct Upload {
    body: Incoming,
    received: u64,
    bytes_max: u64,
    patience: Duration,
}

impl Upload {
    /// At most `bytes_max` bytes, each piece of which comes within `patience`.
    pub(crate) const fn new(body: Incoming, bytes_max: u64, patience: Duration) -> Self {
        Self {
            body,
            received: 0,
            bytes_max,
            patience,
        }
    }
}

impl ByteStream for Upload {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            loop {
                let frame = tokio::time::timeout(self.patience, self.body.frame()).await;
                let frame = frame.map_err(|_| {
                    Error::invalid_because("body_timeout", "the body did not arrive in time")
                })?;
                let Some(frame) = frame else { return Ok(None) };
                let frame = frame.map_err(|_| {
                    Error::invalid_because(
                        "body_unreadable",
                        "the body ended before it was complete",
                    )
                })?;
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                self.received += data.len() as u64;
                if self.received > self.bytes_max {
                    return Err(Error::new(
                        ErrorKind::TooLarge,
                        "body_too_large",
                        format!("the body has more than {} bytes", self.bytes_max),
                    ));
                }
                return Ok(Some(data));
            }
        })
    }
}
