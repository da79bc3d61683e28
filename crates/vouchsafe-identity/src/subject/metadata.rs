//! Metadata: small facts about an entity, alias or group, as text by key.
//!
//! The limits are Vault's. Its words too, save that several faults are not listed: the first one
//! is named.

use vouchsafe_logical::Error;

pub use crate::template::Metadata;

/// The most keys.
pub const METADATA_KEYS_MAX: usize = 64;
/// The longest key, in bytes.
pub const METADATA_KEY_BYTES_MAX: usize = 128;
/// The longest value, in bytes.
pub const METADATA_VALUE_BYTES_MAX: usize = 512;
/// The most bytes (keys and values) that a login may write to its alias. Auth methods copy claims
/// of any length, so their metadata is bounded as a whole and not by key.
pub const LOGIN_METADATA_BYTES_MAX: usize = 64 * 1024;

/// Checks the metadata of `what`: `entity` or `group`.
///
/// # Errors
/// A limit is exceeded.
pub fn check_metadata(what: &str, metadata: &Metadata) -> Result<(), Error> {
    let refuse = |fault: String| {
        Err(Error::invalid_because(
            "metadata_invalid",
            format!("invalid {what} metadata: {fault}"),
        ))
    };
    if metadata.len() > METADATA_KEYS_MAX {
        return refuse(format!(
            "metadata cannot contain more than {METADATA_KEYS_MAX} key/value pairs"
        ));
    }
    for (key, value) in metadata {
        let fault = if key.len() > METADATA_KEY_BYTES_MAX {
            format!("key is too long (limit: {METADATA_KEY_BYTES_MAX} characters)")
        } else if value.len() > METADATA_VALUE_BYTES_MAX {
            format!("value is too long (limit: {METADATA_VALUE_BYTES_MAX} characters)")
        } else {
            continue;
        };
        return refuse(format!(
            "failed to load metadata pair ({key:?}, {value:?}): {fault}"
        ));
    }
    Ok(())
}

/// Checks the metadata that an operator gives to an alias.
///
/// # Errors
/// A limit is exceeded, or a key or value is empty or has control characters.
pub fn check_custom_metadata(metadata: &Metadata) -> Result<(), Error> {
    let refuse = |fault: String| {
        Err(Error::invalid_because(
            "metadata_invalid",
            format!("custom_metadata validation failed: {fault}"),
        ))
    };
    if metadata.len() > METADATA_KEYS_MAX {
        return refuse(format!(
            "payload must contain at most {METADATA_KEYS_MAX} keys, provided {}",
            metadata.len()
        ));
    }
    for (key, value) in metadata {
        let fault = if key.is_empty() || key.len() > METADATA_KEY_BYTES_MAX {
            format!(
                "length of key {key:?} is {} but must be 0 < len(key) <= {METADATA_KEY_BYTES_MAX}",
                key.len()
            )
        } else if value.is_empty() || value.len() > METADATA_VALUE_BYTES_MAX {
            format!(
                "length of value for key {key:?} is {} but must be 0 < len(value) <= {METADATA_VALUE_BYTES_MAX}",
                value.len()
            )
        } else if key.chars().any(char::is_control) {
            format!("key {key:?} contains unprintable characters")
        } else if value.chars().any(char::is_control) {
            format!("value for key {key:?} contains unprintable characters")
        } else {
            continue;
        };
        return refuse(fault);
    }
    Ok(())
}

/// Checks the metadata that a login gives to its alias.
///
/// # Errors
/// It is over [`LOGIN_METADATA_BYTES_MAX`].
pub fn check_login_metadata(metadata: &Metadata) -> Result<(), Error> {
    let bytes: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > LOGIN_METADATA_BYTES_MAX {
        return Err(Error::invalid_because(
            "metadata_invalid",
            format!(
                "the metadata of the login has {bytes} bytes; at most {LOGIN_METADATA_BYTES_MAX} are allowed"
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(count: usize) -> Metadata {
        (0..count)
            .map(|n| (format!("k{n}"), "v".to_owned()))
            .collect()
    }

    fn pair(key_bytes: usize, value_bytes: usize) -> Metadata {
        Metadata::from([("k".repeat(key_bytes), "v".repeat(value_bytes))])
    }

    #[test]
    fn limits_at_and_past() {
        let of_entity: fn(&Metadata) -> Result<(), Error> = |m| check_metadata("entity", m);
        for check in [of_entity, check_custom_metadata] {
            assert!(check(&pairs(METADATA_KEYS_MAX)).is_ok());
            assert!(check(&pairs(METADATA_KEYS_MAX + 1)).is_err());
            assert!(check(&pair(METADATA_KEY_BYTES_MAX, METADATA_VALUE_BYTES_MAX)).is_ok());
            assert!(check(&pair(METADATA_KEY_BYTES_MAX + 1, 1)).is_err());
            assert!(check(&pair(1, METADATA_VALUE_BYTES_MAX + 1)).is_err());
        }
        assert!(check_login_metadata(&pair(1, LOGIN_METADATA_BYTES_MAX - 1)).is_ok());
        assert!(check_login_metadata(&pair(1, LOGIN_METADATA_BYTES_MAX)).is_err());
    }

    #[test]
    fn an_operator_gives_an_alias_nothing_empty_or_unprintable() {
        for (key, value) in [("", "v"), ("k", ""), ("k\u{1}", "v"), ("k", "v\n")] {
            let metadata = Metadata::from([(key.to_owned(), value.to_owned())]);
            assert!(
                check_custom_metadata(&metadata).is_err(),
                "{key:?} {value:?}"
            );
        }
    }
}
