//! When a key term of the barrier is followed by the next without being asked for
//! (`sys/rotate/config`): looked at in each tick, by every node, of which one makes the next term.
//!
//! The rule adds to that of the storage format, and can't weaken it: a term that has made
//! [`ENCRYPTIONS_PER_TERM_MAX`] encryptions ends in any case.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Error, Timestamp};
use vouchsafe_storage::barrier::{ENCRYPTIONS_PER_TERM_MAX, KeyStatus};

use crate::core::Core;
use crate::runtime::Runtime;

/// Vault's bounds of `max_operations`. Fewer encryptions would fill the keyring in weeks on a busy
/// server; the upper one is what Vault's own ciphers allow.
pub(crate) const OPERATIONS_MIN: u64 = 1_000_000;
pub(crate) const OPERATIONS_MAX: u64 = 3_865_470_566;

/// Vault's lower bound of `interval`: with a term each day the keyring has room for eleven years.
pub(crate) const INTERVAL_MIN: Duration = Duration::from_secs(24 * 3_600);

/// The rule, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeyRotation {
    /// Whether the two bounds below hold.
    pub(crate) enabled: bool,
    /// Encryptions after which a term ends.
    pub(crate) max_operations: u64,
    /// Age at which a term ends, in seconds; 0: at none.
    pub(crate) interval: u64,
}

impl Default for KeyRotation {
    fn default() -> Self {
        Self {
            enabled: true,
            max_operations: ENCRYPTIONS_PER_TERM_MAX,
            interval: 0,
        }
    }
}

impl KeyRotation {
    /// Changes what is given.
    ///
    /// # Errors
    /// Values outside of Vault's bounds, in Vault's words.
    pub(crate) fn change(
        &mut self,
        enabled: Option<bool>,
        max_operations: Option<i64>,
        interval: Option<Duration>,
    ) -> Result<(), Error> {
        if let Some(operations) = max_operations {
            self.max_operations = u64::try_from(operations)
                .ok()
                .filter(|operations| (OPERATIONS_MIN..=OPERATIONS_MAX).contains(operations))
                .ok_or_else(|| {
                    Error::invalid(format!(
                        "max_operations must be in the range [{OPERATIONS_MIN},{OPERATIONS_MAX}]"
                    ))
                })?;
        }
        if let Some(interval) = interval {
            if !interval.is_zero() && interval < INTERVAL_MIN {
                return Err(Error::invalid(
                    "interval must be greater or equal to 24h0m0s",
                ));
            }
            self.interval = interval.as_secs();
        }
        self.enabled = enabled.unwrap_or(self.enabled);
        Ok(())
    }

    /// Whether a term has come to its end.
    fn is_due(&self, term: &KeyStatus, now: Timestamp) -> bool {
        let age = now.duration_since(term.installed_at).as_secs();
        let age = u64::try_from(age).unwrap_or(0);
        self.enabled
            && (term.encryptions >= self.max_operations
                || (self.interval != 0 && age >= self.interval))
    }
}

impl Core {
    /// Adds a key term if the active one has come to its end.
    pub(crate) async fn rotate_key_when_due(&self, runtime: &Arc<Runtime>) {
        let Ok(status) = self.barrier.key_status() else {
            return;
        };
        let rule = runtime.key_rotation.in_force();
        if !rule.is_due(&status, self.ports.clock.now()) {
            return;
        }
        drop(rule);
        match self.barrier.rotate_after(status.term).await {
            Ok(()) => tracing::info!(term = status.term, "a key term has ended by its rule"),
            Err(error) => tracing::warn!(%error, "the key term can't be rotated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_767_225_600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(AT + seconds).unwrap()
    }

    #[track_caller]
    fn check(rule: &KeyRotation, encryptions: u64, age: i64, expected: bool) {
        let term = KeyStatus {
            term: 1,
            installed_at: at(0),
            encryptions,
        };
        assert_eq!(rule.is_due(&term, at(age)), expected, "{encryptions} {age}");
    }

    #[test]
    fn a_term_ends_at_its_bounds_and_not_one_before() {
        let mut rule = KeyRotation::default();
        rule.change(None, Some(1_000_000), Some(INTERVAL_MIN))
            .unwrap();
        check(&rule, 999_999, 86_399, false);
        check(&rule, 1_000_000, 0, true);
        check(&rule, 0, 86_400, true);
        // A clock that was set back is no age.
        check(&rule, 0, -86_400, false);
        rule.change(None, None, Some(Duration::ZERO)).unwrap();
        check(&rule, 0, 86_400 * 365, false);
        rule.change(Some(false), None, None).unwrap();
        check(&rule, u64::MAX, 86_400, false);
    }

    #[test]
    fn bounds_are_taken_and_one_past_them_is_refused() {
        let operations = |count: i64| KeyRotation::default().change(None, Some(count), None);
        let (min, max) = (1_000_000, 3_865_470_566);
        assert!(operations(min).is_ok() && operations(max).is_ok());
        for count in [min - 1, max + 1, 0, -1, i64::MAX, i64::MIN] {
            assert_eq!(
                operations(count).unwrap_err().to_string(),
                "max_operations must be in the range [1000000,3865470566]"
            );
        }
        let interval =
            |seconds| KeyRotation::default().change(None, None, Some(Duration::from_secs(seconds)));
        assert!(interval(86_400).is_ok() && interval(0).is_ok());
        assert!(interval(86_399).is_err() && interval(1).is_err());
    }
}
