//! The keys of an identity provider: inline (`keys`) or by address (`jwks_uri`).

use serde::Deserialize;
use serde_json::value::RawValue;
use vouchsafe_jose::hmac::SymmetricKey;
use vouchsafe_jose::limits::JWK_SET_KEYS_MAX;
use vouchsafe_jose::{Jwk, JwkSet};

/// Whose signature counts. The three never mix within one provider.
#[derive(Clone, Debug)]
pub enum ProviderKeys {
    /// Public keys, as they stand in the file.
    Public(JwkSet),
    /// Shared secrets, as they stand in the file. They come from nowhere else.
    Symmetric(Vec<SymmetricKey>),
    /// The address of a JWK Set, which can hold public keys only.
    Remote(String),
}

/// A JWK Set as far as its keys are concerned.
#[derive(Deserialize)]
struct Set<'d> {
    #[serde(borrow)]
    keys: Option<Vec<&'d RawValue>>,
}

/// Of a key only its type is asked before it is read.
#[derive(Deserialize)]
struct Typed {
    kty: Option<String>,
}

/// Reads `keys`: one JWK, a JWK Set, or a list of JWKs, as JSON. Every key has to be usable: a set
/// that somebody publishes may hold what we don't know, one that an operator writes down may not.
///
/// # Errors
/// All faults. They never quote a key.
pub(crate) fn inline(json: &str) -> Result<ProviderKeys, Vec<String>> {
    let raw = split(json)?;
    if raw.is_empty() {
        return Err(vec!["holds no key".to_owned()]);
    }
    if raw.len() > JWK_SET_KEYS_MAX {
        let found = raw.len();
        return Err(vec![format!("{found} keys; at most {JWK_SET_KEYS_MAX}")]);
    }
    let (mut public, mut symmetric, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (place, key) in raw.iter().enumerate() {
        let mut fault = |text: String| faults.push(format!("key {place}: {text}"));
        if is_symmetric(key) {
            match SymmetricKey::parse(key.as_bytes()) {
                Ok(key) => symmetric.push(key),
                Err(error) => fault(error.to_string()),
            }
        } else {
            match Jwk::parse(key.as_bytes()) {
                Ok(key) => public.push(key),
                Err(error) => fault(error.to_string()),
            }
        }
    }
    if !public.is_empty() && !symmetric.is_empty() {
        // A verifier that has both can be made to take one for the other.
        faults
            .push("public and symmetric keys in one provider; use a provider for each".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(if symmetric.is_empty() {
        ProviderKeys::Public(public.into_iter().collect::<JwkSet>())
    } else {
        ProviderKeys::Symmetric(symmetric)
    })
}

fn is_symmetric(key: &str) -> bool {
    serde_json::from_str::<Typed>(key).is_ok_and(|typed| typed.kty.as_deref() == Some("oct"))
}

/// The JSON texts of the keys.
fn split(json: &str) -> Result<Vec<&str>, Vec<String>> {
    // The parser's own words may quote the text, and the text may be a secret.
    let malformed = |error: serde_json::Error| {
        vec![format!(
            "is not JSON of a JWK, a JWK Set or a list of JWKs (line {}, column {} of the value)",
            error.line(),
            error.column()
        )]
    };
    let keys: Vec<&RawValue> = if json.trim_start().starts_with('[') {
        serde_json::from_str(json).map_err(malformed)?
    } else {
        let set: Set<'_> = serde_json::from_str(json).map_err(malformed)?;
        match set.keys {
            Some(keys) => keys,
            None => return Ok(vec![json]),
        }
    };
    Ok(keys.into_iter().map(RawValue::get).collect())
}

/// Why an address can't be that of a key set.
pub(crate) fn address_fault(uri: &str) -> Option<String> {
    const URI_BYTES_MAX: usize = 2_048;
    let expected = "expected an `https` address (`http` only for this very machine)";
    if uri.len() > URI_BYTES_MAX {
        return Some(format!("is longer than {URI_BYTES_MAX} bytes"));
    }
    let plain = uri.bytes().all(|byte| byte.is_ascii_graphic());
    let (scheme, rest) = match uri.split_once("://") {
        Some(parts) if plain => parts,
        Some(_) | None => return Some(format!("{uri:?} is no address of a key set; {expected}")),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || uri.contains('#') {
        return Some(format!("{uri:?} is no address of a key set; {expected}"));
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => None,
        "http" if is_loopback => None,
        _ => Some(format!("{uri:?} can be changed on its way; {expected}")),
    }
}
