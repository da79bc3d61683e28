//! The issuer: the address that tokens name in `iss` and verifiers fetch keys from.

use std::fmt;

/// The longest configured issuer, in bytes.
pub const ISSUER_BYTES_MAX: usize = 512;

/// What every issuer of this engine ends with, below its scheme, host and port.
const PATH: &str = "/v1/identity/oidc";

/// A configured issuer is not of the form `scheme://host[:port]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuerError;

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "invalid issuer, which must include only a scheme, host, and optional port \
             (e.g. https://example.com:8200)",
        )
    }
}

impl std::error::Error for IssuerError {}

/// Accepts `scheme://host[:port]` with `http` or `https`, and nothing more.
///
/// # Errors
/// Text of any other form, or over [`ISSUER_BYTES_MAX`].
pub fn parse_issuer(text: &str) -> Result<&str, IssuerError> {
    if text.len() > ISSUER_BYTES_MAX {
        return Err(IssuerError);
    }
    let authority = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or(IssuerError)?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or(IssuerError)?;
            address
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| IssuerError)?;
            match after {
                "" => (address, None),
                after => (address, Some(after.strip_prefix(':').ok_or(IssuerError)?)),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (checked_host(host)?, Some(port)),
            None => (checked_host(authority)?, None),
        },
    };
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    });
    if host.is_empty() || !port_fits {
        return Err(IssuerError);
    }
    Ok(text)
}

fn checked_host(host: &str) -> Result<&str, IssuerError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.chars().all(fits) {
        Ok(host)
    } else {
        Err(IssuerError)
    }
}

/// The issuer in force: what is configured, else the server's own address.
#[must_use]
pub fn effective_issuer(configured: &str, api_address: &str) -> String {
    let base = if configured.is_empty() {
        api_address
    } else {
        configured
    };
    format!("{}{PATH}", base.trim_end_matches('/'))
}
