//! Which request headers entries show.
//!
//! None, unless an operator names it. Headers that carry credentials can't be named: not even a
//! hash of them has a place in a log that other people read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Error, Request};

use super::redact::Redactor;
use crate::header_name::is_header_name;

/// The most headers that can be named.
pub(crate) const HEADERS_MAX: usize = 128;
/// The longest name of a header, in bytes.
pub(crate) const HEADER_NAME_BYTES_MAX: usize = 256;
/// Headers that are never shown.
const CREDENTIALS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-vault-token",
];
/// What the names of headers begin with that hold fields of an in-line login.
const LOGIN_FIELDS: &str = "x-vault-inline-auth-parameter-";

/// Whether a header, by its name in lower case, carries credentials.
fn carries_credentials(name: &str) -> bool {
    CREDENTIALS.contains(&name) || name.starts_with(LOGIN_FIELDS)
}

/// How one header is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeaderRule {
    /// As a keyed hash.
    pub(crate) hmac: bool,
}

/// The headers that are shown, by lower-case name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Headers(BTreeMap<String, HeaderRule>);

impl Headers {
    /// One of them, whatever its case.
    pub(crate) fn get(&self, name: &str) -> Option<HeaderRule> {
        self.0.get(&name.to_ascii_lowercase()).copied()
    }

    /// Shows a header from now on.
    ///
    /// # Errors
    /// Not the name of a header, or of one that carries credentials; too many.
    pub(crate) fn insert(&mut self, name: &str, rule: HeaderRule) -> Result<(), Error> {
        let name = parse_name(name)?;
        if self.0.len() >= HEADERS_MAX && !self.0.contains_key(&name) {
            return Err(Error::invalid(format!(
                "{HEADERS_MAX} headers are audited already"
            )));
        }
        self.0.insert(name, rule);
        Ok(())
    }

    /// Shows a header no more.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(&name.to_ascii_lowercase());
    }

    /// What of a request's headers is shown.
    pub(crate) fn shown(
        &self,
        request: &Request,
        redactor: &Redactor,
    ) -> BTreeMap<String, Vec<String>> {
        let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if self.0.is_empty() {
            return shown;
        }
        for (name, value) in &request.headers {
            let Some(rule) = self.get(name) else { continue };
            if carries_credentials(&name.to_ascii_lowercase()) {
                continue;
            }
            let value = if rule.hmac {
                redactor.secret(value)
            } else {
                value.clone()
            };
            shown
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(value);
        }
        shown
    }
}

/// A header's name in lower case.
fn parse_name(text: &str) -> Result<String, Error> {
    if text.len() > HEADER_NAME_BYTES_MAX || !is_header_name(text) {
        return Err(Error::invalid(format!(
            "{text:?} is not the name of a header"
        )));
    }
    let name = text.to_ascii_lowercase();
    if carries_credentials(&name) {
        return Err(Error::invalid(format!(
            "header `{name}` carries credentials and is never audited"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_can_not_be_named() {
        let mut headers = Headers::default();
        for name in [
            "X-Vault-Token",
            "x-vault-token",
            "AUTHORIZATION",
            "Cookie",
            "",
            "a b",
            "é",
        ] {
            assert!(
                headers.insert(name, HeaderRule::default()).is_err(),
                "{name:?}"
            );
        }
        assert_eq!(headers, Headers::default());
    }

    #[test]
    fn limits_at_and_past() {
        let mut headers = Headers::default();
        headers
            .insert(&"a".repeat(HEADER_NAME_BYTES_MAX), HeaderRule::default())
            .expect("fits");
        let long = "a".repeat(HEADER_NAME_BYTES_MAX + 1);
        headers
            .insert(&long, HeaderRule::default())
            .expect_err("a byte too long");
        for number in 1..HEADERS_MAX {
            headers
                .insert(&format!("x-{number}"), HeaderRule::default())
                .expect("has room");
        }
        headers
            .insert("x-0", HeaderRule::default())
            .expect_err("one too many");
        headers
            .insert("X-1", HeaderRule { hmac: true })
            .expect("changes one that is there");
        assert_eq!(headers.get("x-1"), Some(HeaderRule { hmac: true }));
    }
}
