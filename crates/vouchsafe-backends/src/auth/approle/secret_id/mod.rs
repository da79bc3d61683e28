//! The secret ids of a role.
//!
//! A secret id is shown once, when it is made. Operators name it by its accessor, which can look
//! up and destroy but not log in. An accessor of one role is unknown at every other role.

mod generate;
mod inspect;
mod record;

pub(super) use generate::{CUSTOM, ROUTE};
pub(super) use inspect::{ACCESSOR_DESTROY, ACCESSOR_LOOKUP, DESTROY, LOOKUP};
pub(super) use record::{EXPIRY, Found, SecretId, parse_expiry_key, secret_id_key};

/// The longest secret id, in bytes. Those made here have 36.
pub(super) const SECRET_ID_BYTES_MAX: usize = 4_096;
/// The most bytes of all keys and values of a secret id's metadata. It goes into each token.
pub(super) const METADATA_BYTES_MAX: usize = 16 * 1_024;

/// A secret id or role id in its one normal form: without space around it, and not empty.
pub(super) fn presented(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
