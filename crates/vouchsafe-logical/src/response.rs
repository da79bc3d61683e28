//! What a backend answers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::byte_stream::Streamed;
use crate::field::Data;
use crate::login::Login;

/// A backend's successful answer with its warnings.
#[derive(Debug, Default)]
pub struct Reply {
    /// The answer.
    pub response: Response,
    /// Sentences for the client, shown beside the answer.
    pub warnings: Vec<String>,
    /// Vault's legacy: members of `data` are also copied to the top level of the envelope.
    pub data_at_top_level: bool,
    /// What was asked for is not there (any more), yet there is something to say about it: the
    /// envelope goes out as a 404.
    pub not_found: bool,
    /// How long the client may take the answer for current; whole seconds of it are shown. It is
    /// advice, not a lease.
    pub lease_duration: Duration,
    /// Where the answer itself was put, because the caller asked for a wrapped response: then
    /// [`Reply::response`] is empty.
    pub wrap_info: Option<WrapInfo>,
}

/// The answer itself.
#[derive(Debug, Default)]
pub enum Response {
    /// Nothing to say.
    #[default]
    Empty,
    /// Work has begun and goes on.
    Accepted,
    /// An object, in Vault's envelope.
    Data(Data),
    /// A successful proof of identity: the pipeline turns it into a token.
    Login(Box<Login>),
    /// A token that the core issued or renewed.
    Auth(Box<Auth>),
    /// A document of its own, outside the envelope.
    Raw(Raw),
    /// A document of its own that is too large to hold.
    Stream(Streamed),
}

/// A document outside the envelope: discovery, JWKS, `sys/health`.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The HTTP status that the document's own specification asks for.
    pub status: u16,
    /// The media type.
    pub content_type: &'static str,
    /// The bytes.
    pub body: Bytes,
    /// `Cache-Control`, where the document may be cached.
    pub cache_control: Option<String>,
    /// A strong entity tag with its quotes; the edge answers `If-None-Match` with it.
    pub etag: Option<String>,
}

/// The `auth` block of an answer: a token and what it may do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Auth {
    /// The token. Shown once.
    pub client_token: String,
    /// The accessor: can look up and revoke, can't log in.
    pub accessor: String,
    /// All policies in force.
    pub policies: Vec<String>,
    /// Policies of the token itself.
    pub token_policies: Vec<String>,
    /// Policies that come from entity and groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_policies: Vec<String>,
    /// Facts of the login.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Life in seconds; 0 = for ever.
    pub lease_duration: u64,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The entity, or empty.
    pub entity_id: String,
    /// `service` or `batch`.
    pub token_type: &'static str,
    /// Whether no parent's revocation takes it along.
    pub orphan: bool,
    /// Always null: multi-factor login is not part of this server.
    pub mfa_requirement: Option<Value>,
    /// Uses left; 0 = not limited.
    pub num_uses: u64,
    /// For the audit entry of a login: whether its entity was made by it.
    #[serde(skip)]
    pub entity_created: bool,
    /// For the audit entry: display name of the token.
    #[serde(skip)]
    pub display_name: String,
    /// For the audit entry: when the token was made and for how long.
    #[serde(skip)]
    pub ttl: Duration,
}

/// The `wrap_info` block of an answer: how to get at the answer that was wrapped.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct WrapInfo {
    /// The wrapping token. Shown once, good for one unwrapping.
    pub token: String,
    /// The wrapping token's accessor: can revoke it, can't unwrap.
    pub accessor: String,
    /// Life of the wrapping token in seconds.
    pub ttl: u64,
    /// When it was wrapped, in RFC 3339.
    pub creation_time: String,
    /// The path whose answer was wrapped.
    pub creation_path: String,
    /// The accessor of the token that is inside; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub wrapped_accessor: String,
}

impl fmt::Debug for WrapInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrapInfo")
            .field("ttl", &self.ttl)
            .field("creation_time", &self.creation_time)
            .field("creation_path", &self.creation_path)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// Nothing to say: 204.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// An object in the envelope.
    #[must_use]
    pub fn data(data: Data) -> Self {
        Self {
            response: Response::Data(data),
            ..Self::default()
        }
    }

    /// A serialisable object in the envelope.
    ///
    /// # Errors
    /// The value is not an object.
    pub fn object<T: Serialize>(value: &T) -> Result<Self, crate::Error> {
        match serde_json::to_value(value) {
            Ok(Value::Object(data)) => Ok(Self::data(data)),
            Ok(_) | Err(_) => Err(crate::Error::internal("an answer is not a JSON object")),
        }
    }

    /// Vault's listing: `keys`, or 404 where there are none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for an empty list.
    pub fn keys(keys: Vec<String>) -> Result<Self, crate::Error> {
        if keys.is_empty() {
            return Err(crate::Error::not_found());
        }
        let mut data = Data::new();
        data.insert("keys".to_owned(), keys.into());
        Ok(Self::data(data))
    }

    /// Vault's listing with details by key or id.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for an empty list.
    pub fn keys_with_info(keys: Vec<String>, info: Data) -> Result<Self, crate::Error> {
        let mut reply = Self::keys(keys)?;
        if let (Response::Data(data), false) = (&mut reply.response, info.is_empty()) {
            data.insert("key_info".to_owned(), Value::Object(info));
        }
        Ok(reply)
    }

    /// A document outside the envelope.
    #[must_use]
    pub fn raw(raw: Raw) -> Self {
        Self {
            response: Response::Raw(raw),
            ..Self::default()
        }
    }

    /// A JSON document outside the envelope, not to be cached.
    #[must_use]
    pub fn raw_json(status: u16, value: &Value) -> Self {
        Self::raw(Raw {
            status,
            content_type: "application/json",
            body: Bytes::from(value.to_string() + "\n"),
            cache_control: None,
            etag: None,
        })
    }

    /// A proof of identity.
    #[must_use]
    pub fn login(login: Login) -> Self {
        Self {
            response: Response::Login(Box::new(login)),
            ..Self::default()
        }
    }

    /// An answer that was wrapped.
    #[must_use]
    pub fn wrapped(info: WrapInfo) -> Self {
        Self {
            wrap_info: Some(info),
            ..Self::default()
        }
    }

    /// A token that the core made.
    #[must_use]
    pub fn auth(auth: Auth) -> Self {
        Self {
            response: Response::Auth(Box::new(auth)),
            ..Self::default()
        }
    }

    /// Whether there is nothing to send: no body, so nothing to warn about or to wrap either.
    #[must_use]
    pub const fn says_nothing(&self) -> bool {
        matches!(self.response, Response::Empty)
            && self.warnings.is_empty()
            && self.wrap_info.is_none()
            && !self.not_found
    }

    /// Adds a warning.
    #[must_use]
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Sends the envelope as a 404: see [`Reply::not_found`].
    #[must_use]
    pub const fn as_not_found(mut self) -> Self {
        self.not_found = true;
        self
    }

    /// Says for how long the client may take the answer for current.
    #[must_use]
    pub const fn with_lease_duration(mut self, duration: Duration) -> Self {
        self.lease_duration = duration;
        self
    }

    /// Copies the members of `data` to the top level too, as Vault does on some `sys/` paths.
    #[must_use]
    pub const fn at_top_level(mut self) -> Self {
        self.data_at_top_level = true;
        self
    }
}
