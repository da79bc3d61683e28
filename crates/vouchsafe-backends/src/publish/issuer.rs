//! The public issuer of a service: the URL that its tokens have in `iss`, byte for byte.
//!
//! OpenID Connect Discovery 1.0 §3: https, no query, no fragment. `http` will do for a loopback host,
//! for trying things out. The documents are found by host and path ([`Site`]), so only characters that
//! nobody writes in another way are allowed in a path.

use std::fmt;

use vouchsafe_logical::Error;
use vouchsafe_logical::publication::{KEY_SET_PATH, Site};

/// The longest issuer, in bytes: relying parties keep it in a column of 255 to 512.
pub(super) const ISSUER_BYTES_MAX: usize = 512;
/// The longest DNS label (RFC 1035 §2.3.4), in bytes.
pub(super) const LABEL_BYTES_MAX: usize = 63;
/// The longest host name, in bytes.
const HOST_BYTES_MAX: usize = 253;

/// A URL that can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicIssuer {
    text: String,
    site: Site,
}

impl PublicIssuer {
    /// Reads an issuer.
    ///
    /// # Errors
    /// What about it can't be published.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let fault = |expected: &str| {
            Error::invalid_because(
                "issuer_invalid",
                format!("the issuer `{text}` can't be published: {expected}"),
            )
        };
        if text.len() > ISSUER_BYTES_MAX {
            return Err(Error::invalid_because(
                "issuer_invalid",
                format!(
                    "the issuer has {} bytes; at most {ISSUER_BYTES_MAX} are allowed",
                    text.len()
                ),
            ));
        }
        let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(fault("it must begin with `https://`")),
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let host = host(authority)
            .ok_or_else(|| fault("expected a host in lower case and perhaps a port after it"))?;
        if !is_https && !is_loopback(host) {
            return Err(fault(
                "it must begin with `https://`, since verifiers fetch keys from it",
            ));
        }
        // A slash at the end is part of `iss`, and not of where the documents are.
        let below = path.strip_suffix('/').unwrap_or(path);
        if !below.split('/').skip(1).all(is_segment) {
            return Err(fault(
                "its path must consist of letters, digits, `-`, `.`, `_` and `~`, without empty, `.`, `..` and `.well-known` segments, and there is no query and no fragment",
            ));
        }
        Ok(Self {
            site: Site::new(host, below),
            text: text.to_owned(),
        })
    }

    /// The URL as it is in `iss`.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Where its documents are.
    pub(super) const fn site(&self) -> &Site {
        &self.site
    }

    /// Where its key set is.
    pub(super) fn jwks_uri(&self) -> String {
        let base = self.text.strip_suffix('/').unwrap_or(&self.text);
        format!("{base}{KEY_SET_PATH}")
    }
}

impl fmt::Display for PublicIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The host of `host[:port]`, where both are well formed.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    if let Some(port) = port {
        let is_port = port.parse::<u16>().is_ok_and(|number| number > 0);
        let is_canonical = !port.starts_with('0') && !port.starts_with('+');
        if !is_port || !is_canonical {
            return None;
        }
    }
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| {
            let address = host.parse::<std::net::Ipv6Addr>();
            // One spelling only: it is compared with what requests say.
            address.is_ok_and(|address| address.to_string() == host)
        });
    let is_name = host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label);
    (is_address || is_name).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(segment, "" | "." | ".." | ".well-known") && segment.bytes().all(is_plain)
}

/// Whether a text is a DNS label in lower case.
pub(super) fn is_label(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=LABEL_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| is_word(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Checks a service's subdomain.
///
/// # Errors
/// It is no DNS label.
pub(super) fn check_subdomain(text: &str) -> Result<(), Error> {
    if is_label(text) {
        return Ok(());
    }
    Err(Error::invalid_because(
        "subdomain_invalid",
        format!(
            "the subdomain `{}` is no DNS label; expected 1 to {LABEL_BYTES_MAX} of `a-z`, `0-9` and `-`, not at its ends",
            super::shortened(text)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepted(text: &str, site: &str, jwks_uri: &str) {
        let issuer = PublicIssuer::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(issuer.as_str(), text);
        assert_eq!(issuer.site().as_str(), site);
        assert_eq!(issuer.jwks_uri(), jwks_uri);
    }

    #[test]
    fn issuers_have_a_host_and_perhaps_a_port_and_a_path() {
        accepted(
            "https://k8s-prod.oidc.example",
            "k8s-prod.oidc.example",
            "https://k8s-prod.oidc.example/.well-known/jwks.json",
        );
        accepted(
            "https://vault.oidc.example:8443/v1/identity/oidc",
            "vault.oidc.example/v1/identity/oidc",
            "https://vault.oidc.example:8443/v1/identity/oidc/.well-known/jwks.json",
        );
        // Some issuers end in a slash, and their tokens do too.
        accepted(
            "https://a.example/",
            "a.example",
            "https://a.example/.well-known/jwks.json",
        );
        accepted(
            "https://a.example/t/",
            "a.example/t",
            "https://a.example/t/.well-known/jwks.json",
        );
        accepted(
            "http://127.0.0.1:8200/k8s",
            "127.0.0.1/k8s",
            "http://127.0.0.1:8200/k8s/.well-known/jwks.json",
        );
        accepted(
            "http://[::1]:8200",
            "[::1]",
            "http://[::1]:8200/.well-known/jwks.json",
        );
        accepted(
            "http://k8s.localhost:1",
            "k8s.localhost",
            "http://k8s.localhost:1/.well-known/jwks.json",
        );
    }

    #[test]
    fn what_verifiers_could_read_in_two_ways_is_refused() {
        for text in [
            "",
            "oidc.example",
            "ftp://oidc.example",
            "HTTPS://oidc.example",
            "http://oidc.example",
            "http://10.0.0.1",
            "http://localhost.oidc.example",
            "https://",
            "https:///path",
            "https://user@oidc.example",
            "https://user:word@oidc.example",
            "https://OIDC.example",
            "https://oidc.example.",
            "https://oidc..example",
            "https://-a.example",
            "https://a_b.example",
            "https://oidc.example:",
            "https://oidc.example:0",
            "https://oidc.example:080",
            "https://oidc.example:+80",
            "https://oidc.example:65536",
            "https://[::1",
            "https://[0::1]",
            "https://::1",
            "https://oidc.example?x",
            "https://oidc.example/?x",
            "https://oidc.example/#x",
            "https://oidc.example/a//b",
            "https://oidc.example//",
            "https://oidc.example/a/../b",
            "https://oidc.example/./b",
            "https://oidc.example/a%2fb",
            "https://oidc.example/a b",
            "https://oidc.example/.well-known",
            "https://oidc.example/ä",
            "https://oidc.example\n",
        ] {
            let error = PublicIssuer::parse(text).expect_err(text);
            assert_eq!(error.reason(), "issuer_invalid", "{text}");
        }
    }

    #[test]
    fn an_issuer_is_as_long_as_allowed_and_no_longer() {
        let of = |bytes: usize| {
            let start = "https://oidc.example/";
            format!("{start}{}", "a".repeat(bytes - start.len()))
        };
        assert!(PublicIssuer::parse(&of(ISSUER_BYTES_MAX)).is_ok());
        assert!(PublicIssuer::parse(&of(ISSUER_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn subdomains_are_dns_labels() {
        for good in ["a", "k8s-prod", "0", &"a".repeat(LABEL_BYTES_MAX)] {
            assert!(check_subdomain(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a.b",
            "a_b",
            "ä",
            &"a".repeat(LABEL_BYTES_MAX + 1),
        ] {
            let error = check_subdomain(bad).expect_err(bad);
            assert_eq!(error.reason(), "subdomain_invalid");
        }
    }
}
