//! What a backend says when it refuses or fails.
//!
//! One type with two messages: the public one goes to the client, the detail only to the
//! operator's log. What the client can do about it is the [`ErrorKind`]; the HTTP edge maps the
//! kind to a status, and nothing else knows status codes. The reason is a stable code in
//! `snake_case` for audit entries, metrics and scripts.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::view::{CommitError, StoreError};

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Change the request.
    InvalidRequest,
    /// The request is too large for a named limit.
    TooLarge,
    /// The body is of a type that the operation does not take.
    UnsupportedMediaType,
    /// Log in (again), or be granted more.
    PermissionDenied,
    /// There is nothing here.
    NotFound,
    /// The mount has no such path.
    UnsupportedPath,
    /// The path has no such operation.
    UnsupportedOperation,
    /// Slow down, then try again.
    RateLimited,
    /// Unseal the server.
    Sealed,
    /// The server is not initialised.
    Uninitialized,
    /// Try again later: an upstream or a queue is not able to serve now.
    Unavailable,
    /// Tell the operator.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn retryable(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Sealed => true,
            Self::InvalidRequest
            | Self::TooLarge
            | Self::UnsupportedMediaType
            | Self::PermissionDenied
            | Self::NotFound
            | Self::UnsupportedPath
            | Self::UnsupportedOperation
            | Self::Uninitialized
            | Self::Internal => false,
        }
    }
}

/// Text for the operator's log. It has no `Display`, so that it can't reach a client by accident.
#[derive(Clone)]
pub struct Detail(String);

impl Detail {
    /// The text, for the log.
    #[must_use]
    pub fn for_operator(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Detail(..)")
    }
}

/// The reason of an error that comes of a conflict with other writers.
const WRITE_CONFLICT: &str = "write_conflict";

/// A refusal or failure, ready for the client, the audit log and the operator.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    reason: &'static str,
    messages: Vec<String>,
    detail: Option<Detail>,
    data: Option<Value>,
    metadata: BTreeMap<String, String>,
    failed_principal: bool,
}

impl Error {
    /// An error of `kind` with a stable `reason` code and a public message.
    pub fn new(kind: ErrorKind, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            reason,
            messages: vec![message.into()],
            detail: None,
            data: None,
            metadata: BTreeMap::new(),
            failed_principal: false,
        }
    }

    /// Bad input: the message names the fault, the value unless secret, and what was expected.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, "invalid_request", message)
    }

    /// Bad input with a reason code of its own.
    pub fn invalid_because(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, reason, message)
    }

    /// Nothing is stored here: Vault's 404 with an empty list of errors.
    #[must_use]
    pub const fn not_found() -> Self {
        Self {
            kind: ErrorKind::NotFound,
            reason: "not_found",
            messages: Vec::new(),
            detail: None,
            data: None,
            metadata: BTreeMap::new(),
            failed_principal: false,
        }
    }

    /// Vault's `permission denied`, with the reason for the operator and the audit log only.
    #[must_use]
    pub fn denied(reason: &'static str) -> Self {
        Self::new(ErrorKind::PermissionDenied, reason, "permission denied")
    }

    /// Something that must not happen happened. The client sees `internal error`.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal_error", "internal error").with_detail(detail)
    }

    /// A login with wrong credentials: counted against the principal (user lockout).
    pub fn invalid_credentials(message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidRequest, "invalid_credentials", message);
        error.failed_principal = true;
        error
    }

    /// Adds text for the operator's log.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(Detail(detail.into()));
        self
    }

    /// Replaces the reason code.
    #[must_use]
    pub const fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// Adds a `data` member beside `errors`, where Vault's answer has one.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Adds what is known for certain of whoever was refused, for the audit entry only, which has it
    /// where it has the metadata of a caller. Names from our own configuration and facts that were
    /// proved; never what a client merely says.
    #[must_use]
    pub fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }

    /// Wraps the messages as Vault's core does: `1 error occurred:\n\t* …\n\n`.
    #[must_use]
    pub fn wrapped(mut self) -> Self {
        let mut text = match self.messages.len() {
            1 => String::from("1 error occurred:\n"),
            n => format!("{n} errors occurred:\n"),
        };
        for message in &self.messages {
            text.push_str("\t* ");
            text.push_str(message);
            text.push('\n');
        }
        text.push('\n');
        self.messages = vec![text];
        self
    }

    /// What the caller can do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Whether others changed what was read, so that trying again may help.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.reason == WRITE_CONFLICT
    }

    /// The public messages; may be empty.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// Text for the operator, if any.
    #[must_use]
    pub const fn detail(&self) -> Option<&Detail> {
        self.detail.as_ref()
    }

    /// The `data` beside the errors, if any.
    #[must_use]
    pub const fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }

    /// What is known for certain of whoever was refused; may be empty.
    #[must_use]
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Whether this is a failed proof of identity that counts towards a lockout.
    #[must_use]
    pub const fn is_failed_principal(&self) -> bool {
        self.failed_principal
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.messages.is_empty() {
            return f.write_str(self.reason);
        }
        f.write_str(&self.messages.join("; "))
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sealed => Self::sealed(),
            StoreError::Limit(what) => Self::new(
                ErrorKind::TooLarge,
                "storage_limit",
                format!("the request exceeds a limit of the storage: {what}"),
            ),
            StoreError::Corrupt { .. } | StoreError::Io(_) => {
                Self::internal(error.to_string()).with_reason("storage_failed")
            }
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::new(
                ErrorKind::Unavailable,
                WRITE_CONFLICT,
                "the object kept changing while it was written; try again",
            ),
            CommitError::Failed(error) => error.into(),
        }
    }
}

impl Error {
    /// The server is sealed.
    #[must_use]
    pub fn sealed() -> Self {
        Self::new(ErrorKind::Sealed, "sealed", "Vault is sealed")
    }
}
