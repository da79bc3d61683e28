//! Points in time of the key life: whole seconds, as `iat`, `exp` and `max-age` count them.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::Timestamp;

/// Seconds since 1970-01-01T00:00:00Z. Shown as RFC 3339.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The second that a time is in. Times before 1970 are 0.
    #[must_use]
    pub fn floor(at: Timestamp) -> Self {
        Self(u64::try_from(at.as_second()).unwrap_or(0))
    }

    /// The first second that is not before a time.
    #[must_use]
    pub fn ceil(at: Timestamp) -> Self {
        Self::floor(at).plus(u64::from(at.subsec_nanosecond() > 0))
    }

    /// This many seconds later.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds this is after `earlier`; 0 if it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
        {
            Some(at) => write!(f, "{at}"),
            // Past the year 9999, which a TTL of centuries reaches.
            None => write!(f, "{} seconds after 1970", self.0),
        }
    }
}
