//! Why a request got no usable answer.
//!
//! [`ApiError`] is the server's own refusal; the rest never reached the server, or came back as
//! something that is no answer. Hints for people belong to the program that prints these.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use rustls::CertificateError;
use serde::Deserialize;

use crate::address::AddressError;
use crate::request::{Method, PathError};

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server's address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The server refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The client's certificates or headers cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The answer is not the JSON that the API speaks.
    #[error("{method} \"{url}\": the answer is not JSON of the API ({fault})")]
    NotJson {
        /// The method sent.
        method: Method,
        /// The URL asked.
        url: String,
        /// What the JSON parser says.
        fault: String,
    },
    /// The path cannot be asked for.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The server sends the client elsewhere, where the token must not go.
    #[error(
        "{method} \"{url}\": the server redirects to `{location}`, which is not followed: {why}"
    )]
    Redirect {
        /// The method sent.
        method: Method,
        /// The URL asked.
        url: String,
        /// Where the server points.
        location: String,
        /// Which rule refuses it.
        why: &'static str,
    },
    /// The answer is larger than the client reads.
    #[error("{method} \"{url}\": the answer is larger than {bytes_max} bytes")]
    TooLarge {
        /// The method sent.
        method: Method,
        /// The URL asked.
        url: String,
        /// The limit.
        bytes_max: usize,
    },
    /// There was no answer.
    #[error("{method} \"{url}\": {fault}")]
    Transport {
        /// The method sent.
        method: Method,
        /// The URL asked.
        url: String,
        /// What kind of fault, with its text.
        fault: TransportFault,
    },
}

impl ClientError {
    /// The server's refusal, if that is what this is.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}

/// The kinds of fault between the client and the server, by remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// The server's certificate is not accepted.
    Certificate(String),
    /// The server's certificate is good, but for another name.
    CertificateName(String),
    /// The host's name is unknown.
    Name(String),
    /// Anything else, in the words of the layer that failed.
    Other(String),
    /// The server speaks plain HTTP where TLS was expected.
    PlainHttp,
    /// Nothing listens there.
    Refused,
    /// The answer took longer than the client waits.
    Timeout,
}

impl fmt::Display for TransportFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fault) | Self::CertificateName(fault) => {
                write!(
                    formatter,
                    "the server's certificate is not accepted: {fault}"
                )
            }
            Self::Name(fault) => write!(formatter, "the host is unknown: {fault}"),
            Self::Other(fault) => formatter.write_str(fault),
            Self::PlainHttp => formatter.write_str("the server speaks HTTP, not HTTPS"),
            Self::Refused => formatter.write_str("connection refused"),
            Self::Timeout => formatter.write_str("no answer in time"),
        }
    }
}

impl TransportFault {
    /// Sorts a fault of the HTTP library by looking along its causes.
    pub(crate) fn classify(error: &reqwest::Error) -> Self {
        let causes = || causes(error);
        if error.is_timeout() {
            return Self::Timeout;
        }
        for cause in causes() {
            if let Some(tls) = tls_error(cause) {
                return Self::of_tls(tls);
            }
            let refused = io::ErrorKind::ConnectionRefused;
            if cause
                .downcast_ref()
                .is_some_and(|io: &io::Error| io.kind() == refused)
            {
                return Self::Refused;
            }
        }
        let text = causes()
            .last()
            .map_or_else(|| error.to_string(), ToString::to_string);
        if error.is_dns() {
            Self::Name(text)
        } else {
            Self::Other(text)
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            // A record that is no TLS record is how a plain HTTP answer looks from here.
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
                Self::PlainHttp
            }
            rustls::Error::InvalidCertificate(
                fault @ (CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }),
            ) => Self::CertificateName(fault.to_string()),
            rustls::Error::InvalidCertificate(fault) => Self::Certificate(fault.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

// The TLS layer's error travels inside I/O errors, which hide it from `source()`.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner: &'a (dyn StdError + 'static) = error.downcast_ref::<io::Error>()?.get_ref()?;
    tls_error(inner)
}

/// The causes of an error, from its own cause to the first one.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// A refusal by the server: its status and its words.
///
/// `Display` is the text that Vault's own command line prints, for the scripts that search it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The method sent.
    pub method: Method,
    /// The URL asked, with its query unless that holds secrets.
    pub url: String,
    /// The namespace asked in; empty for the root.
    pub namespace: String,
    /// The HTTP status.
    pub status: u16,
    /// The server's messages; empty when it gave none.
    pub errors: Vec<String>,
    /// The body, when it is not the API's `{"errors":[…]}`.
    pub raw: Option<String>,
}

impl ApiError {
    /// How much of a body that is not the API's an error repeats, in bytes.
    pub const RAW_BYTES_MAX: usize = 1024;

    pub(crate) fn new(
        method: Method,
        url: String,
        namespace: String,
        status: u16,
        body: &[u8],
    ) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            #[serde(default)]
            errors: Vec<String>,
        }
        let (errors, raw) = match serde_json::from_slice::<Refusal>(body) {
            Ok(refusal) => (refusal.errors, None),
            Err(_) => {
                let end = body.len().min(Self::RAW_BYTES_MAX);
                let text = String::from_utf8_lossy(&body[..end]).trim().to_owned();
                (Vec::new(), Some(text))
            }
        };
        Self {
            method,
            url,
            namespace,
            status,
            errors,
            raw,
        }
    }

    /// Whether the server refused for want of permission.
    pub fn is_permission_denied(&self) -> bool {
        self.status == 403
    }

    /// Whether any message contains `words`.
    pub fn mentions(&self, words: &str) -> bool {
        self.errors
            .iter()
            .chain(&self.raw)
            .any(|message| message.contains(words))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Error making API request.\n\n")?;
        if !self.namespace.is_empty() {
            writeln!(formatter, "Namespace: {}", self.namespace)?;
        }
        writeln!(formatter, "URL: {} {}", self.method, self.url)?;
        match &self.raw {
            Some(raw) => write!(formatter, "Code: {}. Raw Message:\n\n{raw}", self.status)?,
            None => writeln!(formatter, "Code: {}. Errors:", self.status)?,
        }
        for message in &self.errors {
            write!(formatter, "\n* {message}")?;
        }
        Ok(())
    }
}

impl StdError for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &[u8]) -> ApiError {
        ApiError::new(
            Method::Put,
            "http://h/v1/x".into(),
            String::new(),
            status,
            body,
        )
    }

    #[test]
    fn a_refusal_reads_as_in_vault() {
        let error = refusal(400, br#"{"errors":["no such key","second"]}"#);
        assert_eq!(
            error.to_string(),
            "Error making API request.\n\nURL: PUT http://h/v1/x\nCode: 400. Errors:\n\n\
             * no such key\n* second"
        );
    }

    #[test]
    fn a_refusal_in_a_namespace_names_it() {
        let error = ApiError::new(
            Method::Get,
            "http://h/v1/x".into(),
            "ns1/".into(),
            404,
            b"{}",
        );
        assert!(
            error
                .to_string()
                .contains("\n\nNamespace: ns1/\nURL: GET http://h/v1/x\n")
        );
    }

    #[test]
    fn a_foreign_body_is_repeated_up_to_a_limit() {
        let at = refusal(502, &vec![b'x'; ApiError::RAW_BYTES_MAX]);
        assert_eq!(at.raw.unwrap().len(), ApiError::RAW_BYTES_MAX);
        let past = refusal(502, &vec![b'x'; ApiError::RAW_BYTES_MAX + 1]);
        assert_eq!(past.raw.unwrap().len(), ApiError::RAW_BYTES_MAX);
    }
}
