//! How one key set follows another: what is new is visible at once, what was there goes later.
//!
//! A verifier may hold tokens of a key that its issuer has already given up, and caches hold the key
//! set of a while ago. So a key that an upload leaves out stays published until its time is over,
//! behind the keys of the upload; only `force` takes it away at once (a key that is lost).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::{Error, Timestamp};

use super::Fault;

/// A key that is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PublishedKey {
    /// The key.
    pub(super) jwk: Value,
    /// When it goes, if its issuer has given it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retire_at: Option<Timestamp>,
}

impl PublishedKey {
    /// Whether it is still published.
    pub(super) fn is_published(&self, now: Timestamp) -> bool {
        self.retire_at.is_none_or(|at| now < at)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.jwk.get(member).and_then(Value::as_str)
    }

    /// Its `kid`, or what stands for one.
    pub(super) fn name(&self) -> String {
        match self.text("kid") {
            Some(key_id) if !key_id.is_empty() => key_id.to_owned(),
            _ => "(no kid)".to_owned(),
        }
    }
}

/// What becomes of keys that an upload leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leaving {
    /// They stay for so long.
    After(Duration),
    /// They go at once.
    Now,
}

/// The keys that follow `current` when `new` ones are published.
///
/// # Errors
/// There are more than `keys_max` then.
pub(super) fn follow(
    current: &[PublishedKey],
    new: Vec<Value>,
    leaving: Leaving,
    keys_max: usize,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Vec<PublishedKey>, Error> {
    let mut keys: Vec<PublishedKey> = new
        .into_iter()
        .map(|jwk| PublishedKey {
            jwk,
            retire_at: None,
        })
        .collect();
    let fresh = keys.len();
    let stay = match leaving {
        Leaving::Now | Leaving::After(Duration::ZERO) => return Ok(keys),
        Leaving::After(stay) => now.checked_add(stay).unwrap_or(Timestamp::MAX),
    };
    for key in current.iter().filter(|key| key.is_published(now)) {
        let (fresh, _) = keys.split_at(fresh);
        if fresh.iter().any(|new| new.jwk == key.jwk) {
            continue;
        }
        if fresh.iter().any(|new| replaces(new, key)) {
            warnings.push(format!(
                "another key has taken the `kid` `{}`; the one before is no longer published",
                key.name()
            ));
            continue;
        }
        if key.retire_at.is_none() {
            warnings.push(format!(
                "the key `{}` is no longer in the set; it stays published until {stay:.0}",
                key.name()
            ));
        }
        keys.push(PublishedKey {
            retire_at: Some(key.retire_at.unwrap_or(stay)),
            ..key.clone()
        });
    }
    if keys.len() > keys_max {
        return Err(Fault::TooManyRetiring {
            found: keys.len(),
            max: keys_max,
        }
        .into());
    }
    Ok(keys)
}

/// Whether verifiers can't tell the two apart: same `kid`, same type.
fn replaces(new: &PublishedKey, old: &PublishedKey) -> bool {
    let key_id = old.text("kid").filter(|key_id| !key_id.is_empty());
    key_id.is_some() && new.text("kid") == key_id && new.text("kty") == old.text("kty")
}
