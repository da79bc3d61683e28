//! When keys are fresh, when they are fetched again, and for how long they outlive their issuer.
//!
//! Pure: times in, answers out. A clock that steps backwards makes keys older at worst, never
//! fresh for longer than the rules say.

use std::time::Duration;

use vouchsafe_logical::Timestamp;

/// How long keys are taken for fresh where the issuer does not say, unless configured.
pub const AGE_DEFAULT: Duration = Duration::from_secs(5 * 60);
/// The shortest time for which keys are fresh, whatever the issuer says, unless configured.
pub const AGE_MIN: Duration = Duration::from_secs(60);
/// The longest time for which keys are fresh, whatever the issuer says, unless configured. A key
/// that the issuer withdraws is trusted for so long.
pub const AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// How long keys are used beyond their freshness while the issuer can't be reached.
pub const STALE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// After an unknown `kid` or a bad signature caused a fetch, how long no other one does.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// After a fetch failed, how long no other is tried.
pub const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The part of a life, in quarters, after which keys in use are fetched again in the background.
const REFRESH_AFTER_QUARTERS: u32 = 3;

/// The bounds of caching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// See [`AGE_MIN`].
    pub age_min: Duration,
    /// See [`AGE_MAX`].
    pub age_max: Duration,
    /// See [`STALE_MAX`].
    pub stale_max: Duration,
    /// See [`COOL_DOWN`].
    pub cool_down: Duration,
}

impl Default for KeyRules {
    fn default() -> Self {
        Self {
            age_min: AGE_MIN,
            age_max: AGE_MAX,
            stale_max: STALE_MAX,
            cool_down: COOL_DOWN,
        }
    }
}

impl KeyRules {
    /// For how long an answer is fresh that says this of itself.
    #[must_use]
    pub fn age(&self, said: Option<Duration>) -> Duration {
        said.unwrap_or(AGE_DEFAULT)
            .max(self.age_min)
            .min(self.age_max)
    }

    /// The life of keys that were fetched now.
    #[must_use]
    pub fn life(&self, fetched_at: Timestamp, said: Option<Duration>) -> Life {
        Life {
            fetched_at,
            age: self.age(said),
            stale_max: self.stale_max,
        }
    }
}

/// The life of keys that were fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    fetched_at: Timestamp,
    age: Duration,
    stale_max: Duration,
}

/// How far keys are in their life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Used as they are.
    Fresh,
    /// Used as they are; to be fetched again in the background.
    Due,
    /// Used only if they can't be fetched again.
    Stale,
    /// Not used.
    Dead,
}

impl Life {
    /// When the keys were fetched.
    #[must_use]
    pub const fn fetched_at(&self) -> Timestamp {
        self.fetched_at
    }

    /// For how long they are fresh.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// How far the keys are in their life.
    #[must_use]
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let Some(lived) = elapsed(self.fetched_at, now) else {
            // Fetched in the future: the clock stepped back, and nothing is known of their age.
            return Freshness::Stale;
        };
        if lived >= self.age.saturating_add(self.stale_max) {
            Freshness::Dead
        } else if lived >= self.age {
            Freshness::Stale
        } else if lived >= self.age * REFRESH_AFTER_QUARTERS / 4 {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }
}

/// Whether a pause that began at `since` is over.
#[must_use]
pub fn is_over(since: Option<Timestamp>, pause: Duration, now: Timestamp) -> bool {
    since.is_none_or(|since| elapsed(since, now).is_none_or(|elapsed| elapsed >= pause))
}

/// The time from one point to a later one; `None` where it is not later.
fn elapsed(since: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(since)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_the_issuer_says_counts_within_the_bounds() {
        let rules = KeyRules::default();
        for (said, age) in [
            (None, AGE_DEFAULT),
            (Some(seconds(0)), AGE_MIN),
            (Some(seconds(59)), AGE_MIN),
            (Some(seconds(61)), seconds(61)),
            (Some(seconds(3_600)), AGE_MAX),
            (Some(seconds(3_601)), AGE_MAX),
            (Some(Duration::MAX), AGE_MAX),
        ] {
            assert_eq!(rules.age(said), age, "{said:?}");
        }
        let contradiction = KeyRules {
            age_min: seconds(100),
            age_max: seconds(10),
            ..rules
        };
        assert_eq!(contradiction.age(None), seconds(10));
    }

    #[test]
    fn keys_age_at_the_second() {
        let rules = KeyRules {
            stale_max: seconds(1_000),
            ..KeyRules::default()
        };
        let life = rules.life(at(0), Some(seconds(400)));
        for (now, freshness) in [
            (0, Freshness::Fresh),
            (299, Freshness::Fresh),
            (300, Freshness::Due),
            (399, Freshness::Due),
            (400, Freshness::Stale),
            (1_399, Freshness::Stale),
            (1_400, Freshness::Dead),
            (-1, Freshness::Stale),
        ] {
            assert_eq!(life.freshness(at(now)), freshness, "{now}");
        }
    }

    #[test]
    fn a_pause_ends_at_the_second_and_with_a_clock_that_steps_back() {
        assert!(is_over(None, seconds(30), at(0)));
        assert!(!is_over(Some(at(0)), seconds(30), at(0)));
        assert!(!is_over(Some(at(0)), seconds(30), at(29)));
        assert!(is_over(Some(at(0)), seconds(30), at(30)));
        assert!(is_over(Some(at(0)), seconds(30), at(-1)));
    }
}
