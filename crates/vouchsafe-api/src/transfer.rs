//! Bodies that are too large to hold: snapshots of a server's storage, down and up.
//!
//! A transfer is bounded by the time between two pieces, not by its whole time, and is never sent
//! again by itself. Redirects are not followed.

use std::io::{self, Read};
use std::time::Duration;

use http_body_util::channel::Channel;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

use crate::client::{Client, transport};
use crate::error::{ClientError, TransportFault};
use crate::request::Request;
use crate::response::Response;

/// How long a transfer may take altogether: a bound against a server that never ends, not a goal.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the next piece of an answer may take.
pub const PIECE_TIMEOUT: Duration = Duration::from_secs(120);

/// How many bytes are read from the source of an upload at once.
const PIECE_BYTES: usize = 64 * 1024;
/// How many pieces wait to be sent.
const PIECES_WAITING: usize = 2;

/// An answer that comes piece by piece.
pub struct Download {
    request: Request,
    url: reqwest::Url,
    answer: reqwest::Response,
}

impl Download {
    /// The next bytes; `None` when the server has sent all.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] when the server breaks off or stops.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        match tokio::time::timeout(PIECE_TIMEOUT, self.answer.chunk()).await {
            Ok(Ok(piece)) => Ok(piece.map(|bytes| bytes.to_vec())),
            Ok(Err(error)) => Err(transport(&self.request, &self.url, &error)),
            Err(_) => Err(ClientError::Transport {
                method: self.request.method,
                url: self.url.to_string(),
                fault: TransportFault::Other(format!(
                    "nothing came for {} seconds",
                    PIECE_TIMEOUT.as_secs()
                )),
            }),
        }
    }
}

impl Client {
    /// Sends a request whose answer is too large to hold.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`]; [`ClientError::Api`] when the server refuses.
    pub async fn download(&self, request: &Request) -> Result<Download, ClientError> {
        let url = self.target(request);
        let sent = self.prepare(request, &url)?.timeout(TRANSFER_TIMEOUT);
        let answer = sent
            .send()
            .await
            .map_err(|error| transport(request, &url, &error))?;
        if answer.status().as_u16() >= 300 {
            let answer = self.receive(request, &url, answer).await?.into_success()?;
            return Err(ClientError::Transport {
                method: request.method,
                url: url.to_string(),
                fault: TransportFault::Other(format!("unexpected status {}", answer.status())),
            });
        }
        let request = request.clone();
        Ok(Download {
            request,
            url,
            answer,
        })
    }

    /// Sends a request with a body of `bytes` bytes that is read while it is sent, and returns the
    /// answer, whatever its status. Reading blocks.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`], also when the source can't be read.
    pub async fn upload(
        &self,
        request: &Request,
        mut source: impl Read,
        bytes: u64,
    ) -> Result<Response, ClientError> {
        let url = self.target(request);
        let (mut sender, body) = Channel::<bytes::Bytes, io::Error>::new(PIECES_WAITING);
        let sent = self
            .prepare(request, &url)?
            .timeout(TRANSFER_TIMEOUT)
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            )
            .header(CONTENT_LENGTH, bytes)
            .body(reqwest::Body::wrap(body))
            .send();
        let feed = async move {
            loop {
                let mut piece = vec![0; PIECE_BYTES];
                match source.read(&mut piece) {
                    Ok(0) => return,
                    Ok(length) => {
                        piece.truncate(length);
                        // The server has answered before the end.
                        if sender.send_data(piece.into()).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => return sender.abort(error),
                }
            }
        };
        let (answer, ()) = tokio::join!(sent, feed);
        let answer = answer.map_err(|error| transport(request, &url, &error))?;
        self.receive(request, &url, answer).await
    }
}
