//! Which keys are published, and how they look.
//!
//! All or nothing: one key that must not get out refuses the whole upload, and is named. A key is
//! written anew from its public numbers, so that no member gets out that nobody looked at (except for
//! a type that the operator allowed without this server knowing it). What is odd but harmless, and
//! found at real issuers (a key twice, an empty `kid`), is told and tolerated.

use serde_json::Value;
use vouchsafe_jose::{Algorithm, Jwk, JwkError, KeyError, KeyType};
use vouchsafe_logical::{Data, Error};

use super::{Fault, shortened};

/// Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4), those of key
/// types that this server does not know (`priv` of ML-DSA) among them.
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// What a key set may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyRules<'a> {
    /// The most keys.
    pub(super) keys_max: usize,
    /// Values of `kty` and `crv` that this server does not know and publishes all the same.
    pub(super) allowed_key_types: &'a [String],
}

/// Checks a key set, and returns its keys as they are published. Adds to `warnings` what its owner
/// should know.
///
/// # Errors
/// The first fault, with the key's name.
pub(super) fn check(
    document: &Data,
    rules: KeyRules<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Value>, Error> {
    let keys = match document.get("keys") {
        Some(Value::Array(keys)) => keys,
        Some(_) => return Err(Fault::MemberType("keys", "a list").into()),
        None => return Err(Fault::Missing("keys").into()),
    };
    if keys.len() > rules.keys_max {
        return Err(Fault::TooMany {
            what: "keys",
            found: keys.len(),
            max: rules.keys_max,
        }
        .into());
    }
    let named: Vec<(String, &Data)> = keys
        .iter()
        .enumerate()
        .map(|(place, key)| match key {
            Value::Object(key) => Ok((name(place, key), key)),
            _ => Err(Fault::Key {
                name: format!("number {}", place + 1),
                fault: "it is no JSON object".to_owned(),
            }),
        })
        .collect::<Result<_, _>>()?;
    // Secrets first: whatever else is wrong, their owner has to hear of it.
    for (name, key) in &named {
        check_public(name, key)?;
    }
    let mut published: Vec<Value> = Vec::with_capacity(named.len());
    for (name, key) in &named {
        if let Some(key) = publishable(name, key, rules, warnings)? {
            add(&mut published, name, key, warnings);
        }
    }
    if published.is_empty() {
        return Err(Fault::NoKeys.into());
    }
    Ok(published)
}

/// What a message calls a key: its `kid`, or its place in the set.
fn name(place: usize, key: &Data) -> String {
    match key.get("kid") {
        Some(Value::String(key_id)) if !key_id.is_empty() => format!("`{}`", shortened(key_id)),
        _ => format!("number {}", place + 1),
    }
}

/// The first member of a key that must not get out; whoever sends keys here asks the same before.
#[must_use]
pub fn private_member(key: &Data) -> Option<&'static str> {
    let mut members = PRIVATE_MEMBERS.into_iter();
    members.find(|member| key.contains_key(*member))
}

fn check_public(name: &str, key: &Data) -> Result<(), Error> {
    if key.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err(Fault::Symmetric(name.to_owned()).into());
    }
    match private_member(key) {
        None => Ok(()),
        Some(member) => Err(Fault::Private {
            name: name.to_owned(),
            member,
        }
        .into()),
    }
}

/// The key as it is published; `None` where it does not sign tokens.
fn publishable(
    name: &str,
    key: &Data,
    rules: KeyRules<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<Value>, Error> {
    let faulty = |fault: String| {
        Error::from(Fault::Key {
            name: name.to_owned(),
            fault,
        })
    };
    let text = serde_json::to_vec(key).map_err(|_| faulty("it can't be written".to_owned()))?;
    match Jwk::parse(&text) {
        Ok(key) => serde_json::to_value(&key)
            .map(Some)
            .map_err(|_| faulty("it can't be written".to_owned())),
        Err(JwkError::NotForSignatures { found }) => {
            warnings.push(format!(
                "the key {name} is not published: its `use` is `{found}`, so it signs no tokens"
            ));
            Ok(None)
        }
        Err(JwkError::UnsupportedKeyType { found } | JwkError::UnsupportedCurve { found }) => {
            if !rules.allowed_key_types.contains(&found) {
                return Err(Fault::UnknownType {
                    name: name.to_owned(),
                    found,
                }
                .into());
            }
            warnings.push(format!(
                "the key {name} is of the type `{found}`, which is allowed and not checked"
            ));
            Ok(Some(Value::Object(key.clone())))
        }
        Err(JwkError::Key(KeyError::RsaModulusSize { found_bits })) => Err(Fault::RsaLength {
            name: name.to_owned(),
            found_bits,
        }
        .into()),
        Err(error) => Err(faulty(error.to_string())),
    }
}

fn add(published: &mut Vec<Value>, name: &str, key: Value, warnings: &mut Vec<String>) {
    if published.contains(&key) {
        warnings.push(format!(
            "the key {name} is in the set twice; it is published once"
        ));
        return;
    }
    match key.get("kid").and_then(Value::as_str) {
        None | Some("") => warnings.push(format!(
            "the key {name} has no `kid`: verifiers have to try it on every token"
        )),
        Some(key_id) => {
            let same = |other: &&Value| other.get("kid").and_then(Value::as_str) == Some(key_id);
            if published.iter().any(|other| same(&other)) {
                warnings.push(format!(
                    "several keys have the `kid` {name}: some verifiers take the first only"
                ));
            }
        }
    }
    published.push(key);
}

/// The algorithms that a published key set says or implies, each once, in the order of its keys.
pub(super) fn algorithms<'k>(keys: impl Iterator<Item = &'k Value>) -> Vec<Algorithm> {
    let mut found = Vec::new();
    for key in keys {
        let said = key.get("alg").and_then(Value::as_str);
        let algorithm = match said {
            Some(said) => Algorithm::parse(said).ok(),
            None => usual(key),
        };
        found.extend(algorithm.filter(|algorithm| !found.contains(algorithm)));
    }
    found
}

/// What a key without `alg` is for, as issuers that write none use it.
fn usual(key: &Value) -> Option<Algorithm> {
    let member = |name: &str| key.get(name).and_then(Value::as_str);
    let usual = [
        (KeyType::Rsa, Algorithm::Rs256),
        (KeyType::P256, Algorithm::Es256),
        (KeyType::P384, Algorithm::Es384),
        (KeyType::P521, Algorithm::Es512),
        (KeyType::Ed25519, Algorithm::EdDsa),
    ];
    usual
        .into_iter()
        .find(|(key_type, _)| {
            member("kty") == Some(key_type.kty()) && member("crv") == key_type.crv()
        })
        .map(|(_, algorithm)| algorithm)
}
