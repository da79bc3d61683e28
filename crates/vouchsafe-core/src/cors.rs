//! Cross-origin requests (`sys/config/cors`): which pages of other origins a browser may let talk to
//! this server. Off until an operator names origins.
//!
//! This decides nothing about who may do what: it tells browsers. An origin that is not named is
//! refused, as in Vault, before the request is looked at.

use serde::{Deserialize, Serialize};
use vouchsafe_logical::Error;

use crate::core::Core;
use crate::header_name::is_header_name;

/// The most origins, and the most headers.
pub(crate) const NAMES_MAX: usize = 128;
/// The longest origin or name of a header, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 512;
/// Every origin.
const ANY: &str = "*";

/// Headers that pages may send where CORS is on, besides those that are named: Vault's.
const HEADERS: &[&str] = &[
    "Content-Type",
    "X-Requested-With",
    "X-Vault-AWS-IAM-Server-ID",
    "X-Vault-MFA",
    "X-Vault-No-Request-Forwarding",
    "X-Vault-Wrap-Format",
    "X-Vault-Wrap-TTL",
    "X-Vault-Policy-Override",
    "Authorization",
    "X-Vault-Token",
];

/// What is allowed to pages of other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// Off: the server says nothing of origins.
    pub(crate) enabled: bool,
    pub(crate) origins: Vec<String>,
    pub(crate) headers: Vec<String>,
}

impl Cors {
    /// Origins and further headers that pages may send.
    ///
    /// # Errors
    /// No origin, `*` beside others, or what is no origin or header.
    pub(crate) fn allow(origins: Vec<String>, headers: Vec<String>) -> Result<Self, Error> {
        if origins.is_empty() {
            return Err(invalid(
                "at least one origin or the wildcard must be provided",
            ));
        }
        if origins.len() > 1 && origins.iter().any(|origin| origin == ANY) {
            return Err(invalid(
                "to allow all origins the '*' must be the only value for allowed_origins",
            ));
        }
        if let Some(origin) = origins
            .iter()
            .find(|origin| *origin != ANY && !is_origin(origin))
        {
            return Err(invalid(format!(
                "{origin:?} is no origin; expected e.g. `https://ui.example.com`"
            )));
        }
        let is_name = |text: &str| text.len() <= NAME_BYTES_MAX && is_header_name(text);
        if let Some(header) = headers.iter().find(|header| !is_name(header)) {
            return Err(invalid(format!("{header:?} is not the name of a header")));
        }
        if origins.len() > NAMES_MAX || headers.len() > NAMES_MAX {
            return Err(invalid(format!("more than {NAMES_MAX} origins or headers")));
        }
        let mut all: Vec<String> = HEADERS.iter().map(|header| (*header).to_owned()).collect();
        for header in headers {
            if !all.iter().any(|known| known.eq_ignore_ascii_case(&header)) {
                all.push(header);
            }
        }
        Ok(Self {
            enabled: true,
            origins,
            headers: all,
        })
    }

    /// Whether pages of an origin may ask. The origin is one, whole: no part of it is compared.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        self.enabled
            && self
                .origins
                .iter()
                .any(|allowed| allowed == ANY || allowed.eq_ignore_ascii_case(origin))
    }

    /// The headers that pages may send, as a preflight is told.
    #[must_use]
    pub fn allowed_headers(&self) -> String {
        self.headers.join(",")
    }
}

impl Core {
    /// What is allowed to pages of other origins; `None` where CORS is off, or the server sealed.
    #[must_use]
    pub fn cors(&self) -> Option<std::sync::Arc<Cors>> {
        let runtime = self.runtime()?;
        let in_force = runtime.cors.in_force();
        in_force.enabled.then(|| std::sync::Arc::clone(&in_force))
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_because("cors_invalid", message)
}

/// `scheme://host[:port]` (RFC 6454 §6.2) in the bytes that a header may have, without a path: a
/// browser sends none, so one that has it would never match.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    text.len() <= NAME_BYTES_MAX
        && !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"/?#@*,".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(origins: &[&str], headers: &[&str]) -> Result<Cors, Error> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Cors::allow(owned(origins), owned(headers))
    }

    #[test]
    fn an_origin_is_allowed_whole_or_not_at_all() {
        let cors = allow(&["https://ui.example.com", "http://localhost:3000"], &[]).unwrap();
        for (origin, allowed) in [
            ("https://ui.example.com", true),
            ("HTTPS://UI.example.com", true),
            ("http://localhost:3000", true),
            ("http://localhost:30000", false),
            ("http://localhost", false),
            ("https://ui.example.com.evil.example", false),
            ("https://evil-ui.example.com", false),
            ("null", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(cors.allows(origin), allowed, "{origin}");
        }
        assert!(
            allow(&["*"], &[])
                .unwrap()
                .allows("https://anybody.example")
        );
        assert!(!Cors::default().allows("https://ui.example.com"));
    }

    #[test]
    fn what_is_no_origin_or_header_is_refused() {
        for origins in [
            &[][..],
            &["*", "https://a.example"],
            &["a.example"],
            &["https://"],
            &["https://a.example/path"],
            &["https://a.example\r\nx: y"],
            &["https://*.example"],
            &["https://user@a.example"],
        ] {
            allow(origins, &[]).expect_err("no origin");
        }
        for header in ["", "a b", "a\r\nb", "é"] {
            allow(&["*"], &[header]).expect_err("no header");
        }
        let long = format!("https://{}", "a".repeat(NAME_BYTES_MAX - 8));
        allow(&[&long], &[]).expect("fits");
        allow(&[&format!("{long}a")], &[]).expect_err("a byte too long");
        let many: Vec<String> = (0..=NAMES_MAX)
            .map(|n| format!("https://{n}.example"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        allow(&many[1..], &[]).expect("fits");
        allow(&many, &[]).expect_err("one too many");
    }
}
