//! Limits of the engine. Each is tested at the limit and one past it.

use vouchsafe_logical::{Error, ErrorKind};

/// The longest path of a secret, in bytes, without the mount.
pub(super) const PATH_BYTES_MAX: usize = 1_024;
/// The largest secret, in bytes of its JSON. A stored record has at most 1 MiB.
pub(super) const SECRET_BYTES_MAX: usize = 1_000_000;
/// How many versions a key keeps where nobody says otherwise.
pub(super) const VERSIONS_DEFAULT: u64 = 10;
/// The most versions that a key may be told to keep.
pub(super) const VERSIONS_MAX: u64 = 1_000;
/// The most pairs of custom metadata of a key.
pub(super) const CUSTOM_METADATA_PAIRS_MAX: usize = 64;
/// The longest key of custom metadata, in bytes.
pub(super) const CUSTOM_METADATA_KEY_BYTES_MAX: usize = 128;
/// The longest value of custom metadata, in bytes.
pub(super) const CUSTOM_METADATA_VALUE_BYTES_MAX: usize = 512;
/// How many secrets one request or tick converts when a mount's history is turned on.
pub(super) const UPGRADE_SECRETS_PER_CALL: usize = 1_000;

/// Refuses a secret that is larger than [`SECRET_BYTES_MAX`].
pub(super) fn check_size(secret_bytes: usize) -> Result<(), Error> {
    if secret_bytes <= SECRET_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        "secret_too_large",
        format!("the secret has {secret_bytes} bytes as JSON; at most {SECRET_BYTES_MAX} are kept"),
    ))
}

/// A sent `max_versions`.
pub(super) fn check_max_versions(sent: i64) -> Result<u64, Error> {
    match u64::try_from(sent) {
        Ok(versions) if versions <= VERSIONS_MAX => Ok(versions),
        Ok(_) | Err(_) => Err(Error::invalid_because(
            "max_versions_invalid",
            format!("max_versions is {sent}; expected 0 (for the default) to {VERSIONS_MAX}"),
        )),
    }
}
