//! The pairs of `custom_metadata`: how they are sent and what they may be.

use std::collections::BTreeMap;

use serde_json::Value;
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{Call, Data, Error, KeyValues};

use super::limit::{
    CUSTOM_METADATA_KEY_BYTES_MAX, CUSTOM_METADATA_PAIRS_MAX, CUSTOM_METADATA_VALUE_BYTES_MAX,
};

const FIELD: &str = "custom_metadata";

/// Pairs for people and their tools. Not secret.
pub(super) type CustomMetadata = BTreeMap<String, String>;

/// What a write does to the pairs.
pub(super) enum Edit {
    /// Nothing.
    Keep,
    /// These are all pairs from now on.
    Replace(CustomMetadata),
    /// Pairs to set, and names to remove.
    Merge(CustomMetadata, Vec<String>),
}

impl Edit {
    /// A whole write: the pairs are replaced, `null` removes all of them.
    pub(super) fn of_write(call: &Call<'_>) -> Result<Self, Error> {
        match call.request.data.get(FIELD) {
            None => Ok(Self::Keep),
            Some(Value::Null) => Ok(Self::Replace(CustomMetadata::new())),
            Some(sent) => Ok(Self::Replace(pairs(sent)?)),
        }
    }

    /// A merge patch: `null` removes a pair, or all of them.
    pub(super) fn of_patch(call: &Call<'_>) -> Result<Self, Error> {
        let members = match call.request.data.get(FIELD) {
            None => return Ok(Self::Keep),
            Some(Value::Null) => return Ok(Self::Replace(CustomMetadata::new())),
            Some(Value::Object(members)) => members,
            Some(other) => return Ok(Self::Merge(pairs(other)?, Vec::new())),
        };
        let (removed, set): (Vec<_>, Vec<_>) = members.iter().partition(|(_, v)| v.is_null());
        let set: Data = set
            .into_iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let removed = removed.into_iter().map(|(name, _)| name.clone()).collect();
        Ok(Self::Merge(pairs(&Value::Object(set))?, removed))
    }

    /// Whether nothing was sent.
    pub(super) const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Changes the pairs of a key.
    ///
    /// # Errors
    /// The outcome breaks a limit.
    pub(super) fn apply(&self, custom: &mut CustomMetadata) -> Result<(), Error> {
        match self {
            Self::Keep => return Ok(()),
            Self::Replace(pairs) => custom.clone_from(pairs),
            Self::Merge(set, removed) => {
                custom.retain(|name, _| !removed.contains(name));
                custom.extend(
                    set.iter()
                        .map(|(name, value)| (name.clone(), value.clone())),
                );
            }
        }
        check(custom)
    }
}

fn pairs(sent: &Value) -> Result<CustomMetadata, Error> {
    let KeyValues(pairs) = KeyValues::from_field(FIELD, Some(sent))?;
    Ok(pairs)
}

/// Holds the pairs to their limits.
fn check(custom: &CustomMetadata) -> Result<(), Error> {
    if custom.len() > CUSTOM_METADATA_PAIRS_MAX {
        return Err(refused(format_args!(
            "there are {} pairs; at most {CUSTOM_METADATA_PAIRS_MAX} are allowed",
            custom.len()
        )));
    }
    custom
        .iter()
        .try_for_each(|(name, value)| check_pair(name, value))
}

fn check_pair(name: &str, value: &str) -> Result<(), Error> {
    let shown: String = name.chars().take(CUSTOM_METADATA_KEY_BYTES_MAX).collect();
    if !(1..=CUSTOM_METADATA_KEY_BYTES_MAX).contains(&name.len()) {
        return Err(refused(format_args!(
            "length of key {shown:?} is {} but must be 0 < len(key) <= {CUSTOM_METADATA_KEY_BYTES_MAX}",
            name.len()
        )));
    }
    if !(1..=CUSTOM_METADATA_VALUE_BYTES_MAX).contains(&value.len()) {
        return Err(refused(format_args!(
            "length of value for key {shown:?} is {} but must be 0 < len(value) <= {CUSTOM_METADATA_VALUE_BYTES_MAX}",
            value.len()
        )));
    }
    let of = match (
        name.chars().any(char::is_control),
        value.chars().any(char::is_control),
    ) {
        (false, false) => return Ok(()),
        (true, _) => "key",
        (false, true) => "value for key",
    };
    Err(refused(format_args!(
        "{of} {shown:?} contains unprintable characters"
    )))
}

fn refused(fault: std::fmt::Arguments<'_>) -> Error {
    Error::invalid_because(
        "custom_metadata_invalid",
        format!("custom_metadata validation failed: {fault}"),
    )
}
