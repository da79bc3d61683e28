//! Why a store in a file could not be opened, and how the engine's errors are told.

use std::fmt;
use std::path::{Path, PathBuf};

use vouchsafe_logical::StoreError;

/// Why [`super::FilePhysical::open`] opened no store. The store on disk is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Another process, or another part of this one, has the store open.
    InUse {
        /// The folder of the store.
        path: PathBuf,
    },
    /// The store was written by a later version of Vouchsafe.
    NewerFormat {
        /// The folder of the store.
        path: PathBuf,
        /// The format of the store.
        found: u64,
        /// The latest format that this version knows.
        known: u64,
    },
    /// The file is no store, or a part of it is not what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The operating system refused.
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What was attempted and what the system said.
        fault: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => write!(
                f,
                "store `{}` is in use by another process; one store serves one server",
                path.display()
            ),
            Self::NewerFormat { path, found, known } => write!(
                f,
                "store `{}` has format {found}, this version knows formats up to {known}; \
                 use the version of Vouchsafe that wrote it, or a later one",
                path.display()
            ),
            Self::Damaged { path, fault } => write!(
                f,
                "store file `{}` is damaged or not a store: {fault}; restore it from a copy",
                path.display()
            ),
            Self::Io { path, fault } => write!(f, "store `{}`: {fault}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    pub(super) fn io(path: &Path, action: &str, error: &std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            fault: format!("{action}: {error}"),
        }
    }

    pub(super) fn damaged(path: &Path, fault: impl fmt::Display) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            fault: fault.to_string(),
        }
    }

    /// What the engine said when it opened or first read the file at `path`.
    pub(super) fn of_engine(path: &Path, error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse {
                path: path.parent().unwrap_or(path).to_owned(),
            },
            // The engine's words for a file that does not begin as its own do, or ends too early.
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
                ) =>
            {
                Self::damaged(path, error)
            }
            redb::Error::Io(error) => Self::io(path, "open", &error),
            error => Self::damaged(path, error),
        }
    }
}

/// An error of the engine as one of the port.
pub(super) fn store_error(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Io(format!("store file: {}", error.into()))
}

/// Runs `work` and turns a panic of the engine into an error.
///
/// The engine promises not to panic on a file that it has checked. A file that it did not check, or
/// that is altered later, while it is open, can make it panic; that must cost the call, not the
/// thread.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(StoreError::Io(
            "store file: the engine gave up: the file is not as it was written".to_owned(),
        ))
    })
}

/// As [`contained`], for opening the file at `path`.
pub(super) fn contained_open<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(OpenError::damaged(path, "the engine gave up reading it")))
}
