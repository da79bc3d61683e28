//! An answer as it came: status and bytes, and how to read them.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::envelope::Envelope;
use crate::error::{ApiError, ClientError};
use crate::request::Method;

/// An answer with any status.
#[derive(Clone)]
pub struct Response {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) namespace: String,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The answer, if it is a success.
    ///
    /// # Errors
    ///
    /// [`ClientError::Api`] for a status from 400 on.
    pub fn into_success(self) -> Result<Self, ClientError> {
        if self.status < 400 {
            return Ok(self);
        }
        Err(ApiError::new(
            self.method,
            self.url,
            self.namespace,
            self.status,
            &self.body,
        )
        .into())
    }

    /// The answer, or nothing when the server holds nothing there.
    ///
    /// A 404 that carries data or warnings is an answer: a deleted version of a secret has metadata.
    ///
    /// # Errors
    ///
    /// [`ClientError::Api`] for a status from 400 on other than 404.
    pub fn into_found(self) -> Result<Option<Self>, ClientError> {
        if self.status != 404 {
            return self.into_success().map(Some);
        }
        let told = serde_json::from_slice::<Value>(&self.body).is_ok_and(|body| {
            ["data", "warnings"]
                .iter()
                .any(|name| body.get(name).is_some_and(|it| !it.is_null()))
        });
        Ok(told.then_some(self))
    }

    /// The answer's envelope; `None` for an empty body.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotJson`] when the body is not an envelope.
    pub fn envelope(&self) -> Result<Option<Envelope>, ClientError> {
        Envelope::parse(&self.body).map_err(|fault| self.not_json(&fault))
    }

    /// The body as `T`, for the endpoints without an envelope.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotJson`] when the body does not read as `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|fault| self.not_json(&fault))
    }

    fn not_json(&self, fault: &serde_json::Error) -> ClientError {
        let (method, url) = (self.method, self.url.clone());
        ClientError::NotJson {
            method,
            url,
            fault: fault.to_string(),
        }
    }
}

// The body holds secrets.
impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Response")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
