//! Bytes that come one piece after the other, because the whole is too large to hold.

use std::fmt;

use bytes::Bytes;

use crate::error::Error;
use crate::view::BoxFuture;

/// A source of bytes.
pub trait ByteStream: Send + Sync + 'static {
    /// The next piece, `None` after the last one.
    ///
    /// # Errors
    /// The rest is not to be had: what came before is not the whole.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, Error>>;
}

/// A document that is sent while it is being made. Once it has begun, a failure can only be told by
/// breaking off, so its format must show where it ends.
pub struct Streamed {
    /// The media type.
    pub content_type: &'static str,
    /// The bytes.
    pub source: Box<dyn ByteStream>,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed")
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}
