//! Names of roles, in the one normal form that all auth methods share.

use serde::{Deserialize, Serialize};
use vouchsafe_logical::Error;

/// The longest name of a role, in bytes.
pub(super) const ROLE_NAME_BYTES_MAX: usize = 512;

/// The name of a role in lower case. The routes admit no other characters than `[A-Za-z0-9_.-]`, so
/// case is all in which two spellings of one name can differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RoleName(String);

impl RoleName {
    /// Normalises a name.
    ///
    /// # Errors
    /// More than [`ROLE_NAME_BYTES_MAX`] bytes.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > ROLE_NAME_BYTES_MAX {
            return Err(Error::invalid(format!(
                "role name is {} bytes long; at most {ROLE_NAME_BYTES_MAX} are allowed",
                text.len()
            )));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the role is stored.
    pub(super) fn key(&self) -> String {
        format!("role/{}", self.0)
    }

    /// There is no role of this name any more, and a token of it is to be renewed.
    pub(super) fn gone(&self) -> Error {
        let name = &self.0;
        let message = format!("role {name:?} does not exist during renewal; log in again");
        Error::invalid_because("role_gone", message)
    }
}
