//! The outbound port: one guarded HTTP request to somebody else's server.
//!
//! Keys and discovery documents of other issuers, their token endpoints, `TokenReview` of a Kubernetes API server, and
//! documents to publish come through here and nowhere else, so that the rules against abuse
//! (no redirects, bounded size and time, https, no internal targets) stand in one place. Redirects
//! are never followed. This module is the vocabulary; the requests are made by whoever implements
//! [`Fetch`].

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::secret::Secret;
use crate::view::BoxFuture;

/// How long one fetch may take where nobody says otherwise, from look-up to last byte.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How large an answer may be where nobody says otherwise, in bytes.
pub const FETCH_BYTES_MAX: usize = 1024 * 1024;

/// Whether a request may go without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// `https` only.
    Refused,
    /// `http` to a loopback address only.
    #[default]
    Loopback,
    /// `http` to any address: the operator said `allow_http`.
    Allowed,
}

impl Plaintext {
    /// The rule for an address that somebody else's document names, where `self` is the rule for the
    /// document at `document_url`. `http` to loopback is for issuers on this machine: one elsewhere must
    /// not lead requests to what listens here.
    #[must_use]
    pub fn for_named_by(self, document_url: &str) -> Self {
        match self {
            Self::Loopback if !is_here(document_url) => Self::Refused,
            rule => rule,
        }
    }
}

/// Whether a document that was had under [`Plaintext::Loopback`] is on this machine. With `http` it is:
/// its address was judged when it was connected to.
fn is_here(url: &str) -> bool {
    let Some((scheme, rest)) = url.trim_start().split_once("://") else {
        return false;
    };
    if scheme.eq_ignore_ascii_case("http") {
        return true;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let host = match authority.rsplit_once(':') {
        // The colons of `[::1]` are its own.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let address = literal.parse::<IpAddr>();
    // User information is not sent, so such a URL is not fetched; it is not to be mistaken for a host.
    if authority.contains('@') {
        return false;
    }
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Which addresses a name may resolve to. Judged on the addresses that are connected to, so a name
/// that resolves differently the second time gains nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Every address.
    #[default]
    Any,
    /// Only addresses of the public internet: not loopback, private, link-local, shared, multicast,
    /// reserved, or an IPv6 form of any of these.
    Public,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Method {
    /// A GET.
    Get,
    /// A POST of a JSON document.
    PostJson(Bytes),
    /// A POST of a form that is encoded already (`a=1&b=2`). Forms of OAuth 2.0 hold codes and secrets.
    PostForm(Secret<String>),
    /// A PUT of a JSON document.
    PutJson(Bytes),
}

/// One request to somebody else's server.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// An absolute `https` (or `http`) URL without user information and fragment.
    pub url: String,
    /// Method and body.
    pub method: Method,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<Secret<String>>,
    /// `user:password`, sent as `Authorization: Basic`. Not sent beside a bearer.
    pub basic: Option<Secret<String>>,
    /// Certificate authorities in PEM that alone are trusted; `None` trusts the system's.
    pub ca_pem: Option<String>,
    /// Whether `http` will do.
    pub plaintext: Plaintext,
    /// Where the request may go.
    pub addresses: Addresses,
    /// The whole time, from look-up to last byte.
    pub timeout: Duration,
    /// How large the answer may be, in bytes.
    pub bytes_max: usize,
}

impl FetchRequest {
    /// A GET of `url` under the default limits.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: Method::Get,
            bearer: None,
            basic: None,
            ca_pem: None,
            plaintext: Plaintext::default(),
            addresses: Addresses::default(),
            timeout: FETCH_TIMEOUT,
            bytes_max: FETCH_BYTES_MAX,
        }
    }

    /// A POST of a JSON document to `url` under the default limits.
    pub fn post_json(url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::PostJson(body.into()),
            ..Self::get(url)
        }
    }

    /// A POST of an encoded form to `url` under the default limits.
    pub fn post_form(url: impl Into<String>, form: Secret<String>) -> Self {
        Self {
            method: Method::PostForm(form),
            ..Self::get(url)
        }
    }
}

/// What came back, whatever its status.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// The HTTP status. A redirect is returned as it came.
    pub status: u16,
    /// The media type in lower case, without parameters; empty if there is none.
    pub media_type: String,
    /// For how long the answer may be kept: `max-age` of `Cache-Control` less `Age`; zero for
    /// `no-store` and `no-cache`; `None` where the answer does not say.
    pub max_age: Option<Duration>,
    /// The body.
    pub body: Bytes,
}

/// Why nothing came back. Messages name the host and the fault, and never a body or a bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The URL can't be requested: not absolute, with user information, another scheme.
    Url(String),
    /// `http` where https is asked for.
    Plaintext(String),
    /// The name resolves to an address that may not be reached, or only to such.
    Address(String),
    /// The certificate authorities can't be read.
    CertificateAuthority(String),
    /// The connection could not be made, or TLS failed.
    Connect(String),
    /// It took too long.
    Timeout(Duration),
    /// The answer is larger than allowed, in bytes.
    TooLarge(usize),
    /// The answer broke off or is no HTTP.
    Broken(String),
}

impl FetchError {
    /// A stable code for audit entries and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Url(_) => "fetch_url_invalid",
            Self::Plaintext(_) => "fetch_plaintext_refused",
            Self::Address(_) => "fetch_address_refused",
            Self::CertificateAuthority(_) => "fetch_ca_invalid",
            Self::Connect(_) => "fetch_connect_failed",
            Self::Timeout(_) => "fetch_timeout",
            Self::TooLarge(_) => "fetch_too_large",
            Self::Broken(_) => "fetch_broken",
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(fault)
            | Self::Plaintext(fault)
            | Self::Address(fault)
            | Self::CertificateAuthority(fault)
            | Self::Connect(fault)
            | Self::Broken(fault) => f.write_str(fault),
            Self::Timeout(limit) => write!(f, "no complete answer within {limit:?}"),
            Self::TooLarge(limit) => write!(f, "the answer has more than {limit} bytes"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Makes requests to other servers.
pub trait Fetch: Send + Sync + 'static {
    /// Makes one request. The future may be dropped at any point.
    ///
    /// # Errors
    /// Nothing came back; a status that tells of failure is not an error.
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<Fetched, FetchError>>;
}

/// A fetcher that reaches nobody, for where nothing may be fetched.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(async move {
            Err(FetchError::Connect(format!(
                "{} is not reached: this process makes no requests",
                request.url
            )))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Plaintext::{self, Allowed, Loopback, Refused};

    #[test]
    fn only_a_document_on_this_machine_names_http_on_this_machine() {
        for here in [
            "http://127.0.0.1:8200/a",
            "http://issuer.example",
            "HTTP://issuer.example",
            "https://localhost",
            "https://LOCALHOST:8200/a?b",
            "https://127.0.0.2/",
            "https://[::1]:1/a",
            "https://[::1]",
        ] {
            assert_eq!(Loopback.for_named_by(here), Loopback, "{here}");
        }
        for elsewhere in [
            "https://issuer.example/127.0.0.1",
            "https://127.0.0.1.example",
            "https://127.0.0.1@issuer.example",
            "https://localhost:1@issuer.example",
            "https://issuer.example?@localhost",
            "https://[2001:db8::1]:1",
            "https://10.0.0.1",
            "localhost",
            "",
        ] {
            assert_eq!(Loopback.for_named_by(elsewhere), Refused, "{elsewhere}");
            assert_eq!(Allowed.for_named_by(elsewhere), Allowed);
            assert_eq!(Refused.for_named_by("http://[::1]"), Refused);
        }
        assert_eq!(Plaintext::default(), Loopback);
    }
}
