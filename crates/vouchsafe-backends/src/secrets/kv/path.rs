//! The path of a secret below its mount.

use vouchsafe_logical::{Call, Error, ErrorKind};

use super::limit::PATH_BYTES_MAX;

/// A path that a secret can have: not empty, no `/` at its end, not too long. That it has one
/// reading is the edge's doing.
#[derive(Clone, Copy)]
pub(super) struct SecretPath<'a>(&'a str);

impl<'a> SecretPath<'a> {
    /// The path in a call of a route with the capture `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for the path of a folder, which is no secret's; a path over
    /// [`PATH_BYTES_MAX`].
    pub(super) fn of(call: &Call<'a>) -> Result<Self, Error> {
        let path = call.captures.get("path").unwrap_or("");
        if path.is_empty() || path.ends_with('/') {
            return Err(Error::not_found());
        }
        check_length(path)?;
        Ok(Self(path))
    }

    /// The path of a stored secret.
    pub(super) const fn stored(path: &'a str) -> Self {
        Self(path)
    }

    /// The text.
    pub(super) const fn as_str(self) -> &'a str {
        self.0
    }
}

/// The folder in a call of a listing: empty, or with a `/` at its end.
///
/// # Errors
/// A path over [`PATH_BYTES_MAX`].
pub(super) fn folder_of(call: &Call<'_>) -> Result<String, Error> {
    let mut folder = call.captured("path").to_owned();
    check_length(&folder)?;
    if !folder.is_empty() && !folder.ends_with('/') {
        folder.push('/');
    }
    Ok(folder)
}

fn check_length(path: &str) -> Result<(), Error> {
    if path.len() <= PATH_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidRequest,
        "path_too_long",
        format!(
            "the path of the secret has {} bytes; at most {PATH_BYTES_MAX} are allowed",
            path.len()
        ),
    ))
}
