//! Why bytes are no snapshot.

use std::fmt;

use super::FORMAT;

/// Why a snapshot is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It does not begin as one.
    NotASnapshot,
    /// A later version of Vouchsafe wrote it.
    NewerFormat {
        /// Its format.
        found: u8,
    },
    /// It ends too early.
    Truncated {
        /// Where, in bytes from the beginning.
        at: u64,
    },
    /// It is not what was written.
    Altered {
        /// Where it was noticed, in bytes from the beginning.
        at: u64,
        /// What is wrong.
        fault: &'static str,
    },
}

impl SnapshotError {
    /// A stable code for scripts.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotASnapshot => "not_a_snapshot",
            Self::NewerFormat { .. } => "snapshot_format_newer",
            Self::Truncated { .. } => "snapshot_truncated",
            Self::Altered { .. } => "snapshot_altered",
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str(
                "this is no snapshot: it does not begin with `vouchsnp`; \
                 expected a file that `operator backup` wrote",
            ),
            Self::NewerFormat { found } => write!(
                f,
                "the snapshot has format {found}, this version knows format {FORMAT}; \
                 restore it with the version of Vouchsafe that wrote it, or a later one"
            ),
            Self::Truncated { at } => write!(
                f,
                "the snapshot is torn: it ends after {at} bytes, before its end mark"
            ),
            Self::Altered { at, fault } => {
                write!(f, "the snapshot was altered: {fault}, seen at byte {at}")
            }
        }
    }
}

impl std::error::Error for SnapshotError {}
