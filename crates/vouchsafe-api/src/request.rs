//! One request to the API, before it has an address.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use serde_json::Value;

use crate::token::Token;

/// The HTTP methods that the API's clients use (vault-core.md §18).
///
/// A list is a `GET` with `list=true`, because proxies tend to refuse the `LIST` verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Remove.
    Delete,
    /// Read or list.
    Get,
    /// Merge a change (RFC 7396).
    Patch,
    /// Create or act.
    Post,
    /// Write.
    Put,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// Whether sending the request twice does what sending it once does (RFC 9110 §9.2.2).
    pub fn is_idempotent(self) -> bool {
        match self {
            Self::Delete | Self::Get | Self::Put => true,
            Self::Patch | Self::Post => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Which token a request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// No token, even if the client has one: logins.
    Anonymous,
    /// The client's own token.
    #[default]
    Client,
    /// Another token: unwrapping, or looking a token up by itself.
    Other(Token),
}

/// A path that no request can carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing but slashes.
    #[error("path is empty; expected one like `identity/oidc/config`")]
    Empty,
    /// A `.` or `..` segment, which the server would refuse or resolve to something unexpected.
    #[error("path `{0}` has a relative segment (`.` or `..`)")]
    Relative(String),
}

/// One request: what to do, where, with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) has_secret_query: bool,
    pub(crate) is_sent_once: bool,
    pub(crate) body: Option<Value>,
    pub(crate) credential: Credential,
    pub(crate) wrap_ttl: Option<Duration>,
    pub(crate) prefix: &'static str,
    pub(crate) document: Option<(String, &'static str)>,
}

/// Below what the paths of Vault's API stand.
const PREFIX: &str = "v1";

impl Request {
    /// A request for `path`, written without `/v1/`; slashes around it and doubled ones are dropped.
    ///
    /// # Errors
    ///
    /// [`PathError`] when nothing is left of the path or it is relative.
    pub fn new(method: Method, path: &str) -> Result<Self, PathError> {
        let segments: Vec<&str> = path
            .trim()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        if segments.is_empty() {
            return Err(PathError::Empty);
        }
        if segments
            .iter()
            .any(|segment| matches!(*segment, "." | ".."))
        {
            return Err(PathError::Relative(path.to_owned()));
        }
        Ok(Self {
            method,
            path: segments.join("/"),
            query: Vec::new(),
            has_secret_query: false,
            is_sent_once: false,
            body: None,
            credential: Credential::Client,
            wrap_ttl: None,
            prefix: PREFIX,
            document: None,
        })
    }

    /// A read.
    ///
    /// # Errors
    ///
    /// See [`Request::new`].
    pub fn read(path: &str) -> Result<Self, PathError> {
        Self::new(Method::Get, path)
    }

    /// A list: `GET` with `list=true`.
    ///
    /// # Errors
    ///
    /// See [`Request::new`].
    pub fn list(path: &str) -> Result<Self, PathError> {
        Ok(Self::new(Method::Get, path)?.with_query("list", "true"))
    }

    /// A write with a JSON body.
    ///
    /// # Errors
    ///
    /// See [`Request::new`].
    pub fn write(path: &str, body: Value) -> Result<Self, PathError> {
        Ok(Self::new(Method::Put, path)?.with_body(body))
    }

    /// A delete.
    ///
    /// # Errors
    ///
    /// See [`Request::new`].
    pub fn delete(path: &str) -> Result<Self, PathError> {
        Self::new(Method::Delete, path)
    }

    /// Adds a query parameter. A name may repeat.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says that the query holds secrets: errors show the URL without it.
    #[must_use]
    pub fn with_secret_query(mut self) -> Self {
        self.has_secret_query = true;
        self
    }

    /// Says that the request takes effect although its method says otherwise: it is not sent again.
    #[must_use]
    pub fn sent_once(mut self) -> Self {
        self.is_sent_once = true;
        self
    }

    /// The URL as errors show it.
    pub(crate) fn shown(&self, url: &Url) -> String {
        let mut url = url.clone();
        if self.has_secret_query {
            url.set_query(None);
        }
        url.into()
    }

    /// Sets the JSON body.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Puts the path below another prefix than `v1`: another API of the same server.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// Sets a body that is a text of its own, with its media type.
    #[must_use]
    pub fn with_document(mut self, text: String, media_type: &'static str) -> Self {
        self.document = Some((text, media_type));
        self
    }

    /// Sets which token is sent.
    #[must_use]
    pub fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
        self
    }

    /// Asks for a wrapped response (vault-core.md §9) that lives for `ttl`, in whole seconds; zero
    /// says that it must not be wrapped.
    #[must_use]
    pub fn with_wrap_ttl(mut self, ttl: Option<Duration>) -> Self {
        self.wrap_ttl = ttl;
        self
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The path, without `/v1/` and without slashes around it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The JSON body, if any.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// Which token is sent.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// How long a wrapped response lives, if one is asked for.
    pub fn wrap_ttl(&self) -> Option<Duration> {
        self.wrap_ttl
    }

    /// Whether this is a list.
    pub fn is_list(&self) -> bool {
        self.method == Method::Get
            && self
                .query
                .iter()
                .any(|(name, value)| name == "list" && value == "true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_the_slashes_around_and_within() {
        let request = Request::read("//identity//oidc/config/ ").unwrap();
        assert_eq!(request.path(), "identity/oidc/config");
    }

    #[test]
    fn an_empty_or_relative_path_is_refused() {
        assert_eq!(Request::read(" / ").unwrap_err(), PathError::Empty);
        assert!(matches!(
            Request::read("secret/../sys").unwrap_err(),
            PathError::Relative(_)
        ));
        assert!(Request::read("secret/..hidden").is_ok());
    }

    #[test]
    fn a_list_is_a_get_with_a_parameter() {
        let request = Request::list("identity/oidc/key").unwrap();
        assert!(request.is_list());
        assert_eq!(request.method(), Method::Get);
        assert!(!Request::read("identity/oidc/key").unwrap().is_list());
    }
}
