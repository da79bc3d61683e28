//! Lockout of principals after failed logins, as Vault's `user_lockout`.
//!
//! Counted per mount and principal, under the one spelling that the method itself uses, whether
//! the principal exists or not: a lock tells nothing about who exists. The table is bounded; what
//! falls out of it is forgotten, so a flood of names costs memory for no more than
//! [`PRINCIPALS_MAX`] of them.

use std::time::Duration;

use quick_cache::sync::Cache;
use vouchsafe_logical::Timestamp;

use crate::mount::UserLockoutConfig;

/// How many principals with failed logins are remembered.
pub(crate) const PRINCIPALS_MAX: usize = 65_536;

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// A principal of a mount.
type Principal = (String, String);

/// Failed logins by principal.
pub(crate) struct Lockouts {
    failures: Cache<Principal, Failures>,
    /// Held while a count is read and written back.
    counting: std::sync::Mutex<()>,
}

impl Default for Lockouts {
    fn default() -> Self {
        Self {
            failures: Cache::new(PRINCIPALS_MAX),
            counting: std::sync::Mutex::new(()),
        }
    }
}

/// A principal that is locked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locked {
    /// The mount.
    pub(crate) mount_accessor: String,
    /// The alias name.
    pub(crate) principal: String,
}

impl Lockouts {
    /// Whether a principal is locked.
    #[must_use]
    pub(crate) fn is_locked(
        &self,
        config: &UserLockoutConfig,
        mount_accessor: &str,
        principal: &str,
        now: Timestamp,
    ) -> bool {
        let key = (mount_accessor.to_owned(), principal.to_owned());
        self.failures
            .get(&key)
            .is_some_and(|failures| holds(config, failures, now))
    }

    /// Counts a failed login. False, and nothing counted, when the principal is locked already:
    /// of failures at the same time exactly as many are counted as lock.
    pub(crate) fn record_failure(
        &self,
        config: &UserLockoutConfig,
        mount_accessor: &str,
        principal: &str,
        now: Timestamp,
    ) -> bool {
        let key = (mount_accessor.to_owned(), principal.to_owned());
        let Ok(_counting) = self.counting.lock() else {
            return false;
        };
        let count = match self.failures.get(&key) {
            Some(earlier) if holds(config, earlier, now) => return false,
            Some(earlier) if within(earlier.last, config.counter_reset, now) => earlier.count + 1,
            Some(_) | None => 1,
        };
        self.failures.insert(key, Failures { count, last: now });
        true
    }

    /// Forgets the failures of a principal: it logged in, or somebody unlocked it.
    pub(crate) fn clear(&self, mount_accessor: &str, principal: &str) {
        self.failures
            .remove(&(mount_accessor.to_owned(), principal.to_owned()));
    }

    /// The principals that are locked now.
    #[must_use]
    pub(crate) fn locked(
        &self,
        now: Timestamp,
        config_of: impl Fn(&str) -> Option<UserLockoutConfig>,
    ) -> Vec<Locked> {
        let mut locked: Vec<Locked> = self
            .failures
            .iter()
            .filter(|((mount, _), failures)| {
                config_of(mount).is_some_and(|config| holds(&config, *failures, now))
            })
            .map(|((mount_accessor, principal), _)| Locked {
                mount_accessor,
                principal,
            })
            .collect();
        locked.sort_by(|a, b| {
            (&a.mount_accessor, &a.principal).cmp(&(&b.mount_accessor, &b.principal))
        });
        locked
    }
}

fn holds(config: &UserLockoutConfig, failures: Failures, now: Timestamp) -> bool {
    !config.disable
        && failures.count >= config.threshold
        && within(failures.last, config.duration, now)
}

/// Whether `now` is less than `span` after `since`. A clock that stepped back counts as no time.
fn within(since: Timestamp, span: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).unwrap_or_default() < span
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn the_fifth_failure_locks_for_a_quarter_of_an_hour() {
        let lockouts = Lockouts::default();
        let config = UserLockoutConfig::default();
        for n in 0..4 {
            lockouts.record_failure(&config, "m", "bob", at(n));
            assert!(!lockouts.is_locked(&config, "m", "bob", at(n)));
        }
        assert!(lockouts.record_failure(&config, "m", "bob", at(4)));
        assert!(!lockouts.record_failure(&config, "m", "bob", at(100)));
        assert!(lockouts.is_locked(&config, "m", "bob", at(4)));
        assert!(lockouts.is_locked(&config, "m", "bob", at(4 + 899)));
        assert!(!lockouts.is_locked(&config, "m", "bob", at(4 + 900)));
        assert!(!lockouts.is_locked(&config, "other", "bob", at(4)));
        assert_eq!(lockouts.locked(at(5), |_| Some(config.clone())).len(), 1);
        lockouts.clear("m", "bob");
        assert!(!lockouts.is_locked(&config, "m", "bob", at(4)));
    }

    #[test]
    fn old_failures_are_forgotten() {
        let lockouts = Lockouts::default();
        let config = UserLockoutConfig::default();
        for n in 0..4 {
            lockouts.record_failure(&config, "m", "bob", at(n));
        }
        lockouts.record_failure(&config, "m", "bob", at(3 + 900));
        assert!(!lockouts.is_locked(&config, "m", "bob", at(3 + 900)));
    }
}
