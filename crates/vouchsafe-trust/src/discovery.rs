//! OpenID Connect Discovery 1.0: where the document of an issuer lies, and what it says.
//!
//! Pure: bytes in, data out. Two forms of the configured URL are understood. The issuer itself,
//! which must then be the document's `issuer` to the byte (§4.3). And the address of the document,
//! ending in `/.well-known/openid-configuration`: then the issuer is what the document says,
//! provided that its document would lie at exactly that address (§4: the well-known path appended,
//! with one slash between).

use serde::Deserialize;
use vouchsafe_logical::publication::PROVIDER_METADATA_PATH;

/// The members of a discovery document that are used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProviderMetadata {
    /// Who issues tokens: the value of their `iss`.
    pub issuer: String,
    /// Where the JWK Set lies.
    pub jwks_uri: String,
    /// Where people log in, for the interactive flow.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// Where a code is exchanged for tokens, for the interactive flow.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// Where further claims about a person are had, for the interactive flow.
    #[serde(default)]
    pub userinfo_endpoint: Option<String>,
    /// How a client may prove itself at the token endpoint, for the interactive flow; where nothing is
    /// said, `client_secret_basic` (§3).
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Why a discovery document was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Not JSON, or without `issuer` or `jwks_uri`.
    #[error("the document at {url} is no provider metadata: {fault}")]
    Malformed {
        /// Where it was.
        url: String,
        /// What the parser found.
        fault: String,
    },
    /// Its issuer is another.
    #[error("issuer did not match the returned issuer, expected \"{expected}\" got \"{found}\"")]
    IssuerMismatch {
        /// The issuer of the configuration.
        expected: String,
        /// The issuer of the document.
        found: String,
    },
}

/// The address of the document for a configured URL.
#[must_use]
pub fn document_url(configured: &str) -> String {
    if configured.ends_with(PROVIDER_METADATA_PATH) {
        configured.to_owned()
    } else {
        url_of_issuer(configured)
    }
}

fn url_of_issuer(issuer: &str) -> String {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{base}{PROVIDER_METADATA_PATH}")
}

/// Reads a document, and checks that it is the one of the configured URL.
///
/// # Errors
/// See [`DiscoveryError`].
pub fn parse_document(configured: &str, body: &[u8]) -> Result<ProviderMetadata, DiscoveryError> {
    let metadata: ProviderMetadata =
        serde_json::from_slice(body).map_err(|error| DiscoveryError::Malformed {
            url: document_url(configured),
            fault: error.to_string(),
        })?;
    let matches = if configured.ends_with(PROVIDER_METADATA_PATH) {
        url_of_issuer(&metadata.issuer) == configured
    } else {
        metadata.issuer == configured
    };
    if !matches {
        return Err(DiscoveryError::IssuerMismatch {
            expected: configured
                .strip_suffix(PROVIDER_METADATA_PATH)
                .unwrap_or(configured)
                .to_owned(),
            found: metadata.issuer,
        });
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(configured: &str, issuer: &str, url: &str, accepted: bool) {
        assert_eq!(document_url(configured), url);
        let body = format!(r#"{{"issuer":"{issuer}","jwks_uri":"https://keys.example/"}}"#);
        let parsed = parse_document(configured, body.as_bytes());
        assert_eq!(
            parsed.is_ok(),
            accepted,
            "{configured} {issuer}: {parsed:?}"
        );
    }

    #[test]
    fn the_issuer_is_compared_to_the_byte() {
        let url = "https://h/.well-known/openid-configuration";
        check("https://h", "https://h", url, true);
        check("https://h/", "https://h/", url, true);
        check("https://h/", "https://h", url, false);
        check("https://h", "https://h/", url, false);
        check("https://h", "https://H", url, false);
        check("https://h", "http://h", url, false);
        check(
            "https://h/a",
            "https://h/a",
            "https://h/a/.well-known/openid-configuration",
            true,
        );
        check(
            "https://h/a",
            "https://h/b",
            "https://h/a/.well-known/openid-configuration",
            false,
        );
    }

    #[test]
    fn the_address_of_the_document_stands_for_the_issuer_whose_document_lies_there() {
        let url = "https://h/.well-known/openid-configuration";
        check(url, "https://h", url, true);
        check(url, "https://h/", url, true);
        check(url, "https://h//", url, false);
        check(url, "https://h/a", url, false);
        check(url, "https://evil", url, false);
        check(url, url, url, false);
        let deep = "https://h/realms/a/.well-known/openid-configuration";
        check(deep, "https://h/realms/a", deep, true);
        check(deep, "https://h/realms/a/", deep, true);
        check(deep, "https://h/realms", deep, false);
    }

    #[test]
    fn a_document_that_is_none_is_refused_with_its_address() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"issuer":"https://h"}"#,
            r#"{"issuer":1,"jwks_uri":"x"}"#,
            r#"{"issuer":"https://h","issuer":"https://evil","jwks_uri":"x"}"#,
        ] {
            let error = parse_document("https://h", body.as_bytes()).unwrap_err();
            assert!(
                error.to_string().contains("https://h/.well-known"),
                "{error}"
            );
        }
    }
}
