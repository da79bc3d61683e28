//! How long a token lives: one function for every way in which tokens are made and renewed.

use std::time::Duration;

use vouchsafe_logical::Timestamp;
use vouchsafe_logical::duration::format_duration_short;

/// What bounds a token's life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// What is asked for; zero = the mount's default.
    pub requested: Duration,
    /// Life at each renewal of a periodic token; zero = not periodic.
    pub period: Duration,
    /// The longest life with renewals that role or request set; zero = none of their own.
    pub max_ttl: Duration,
    /// Hard end of life from creation; zero = none.
    pub explicit_max_ttl: Duration,
    /// The mount's default.
    pub mount_default: Duration,
    /// The mount's longest.
    pub mount_max: Duration,
}

/// The life that results, from now on, and what the client should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// From now.
    pub ttl: Duration,
    /// Sentences for the client.
    pub warnings: Vec<String>,
}

/// The life of a token that was made at `created_at` and is made or renewed at `now`.
#[must_use]
pub fn lifetime(bounds: Bounds, created_at: Timestamp, now: Timestamp) -> Lifetime {
    let mut warnings = Vec::new();
    let age = Duration::try_from(now.duration_since(created_at)).unwrap_or_default();
    let mut ttl = if !bounds.period.is_zero() {
        bounds.period
    } else if bounds.requested.is_zero() {
        bounds.mount_default
    } else {
        bounds.requested
    };
    let mut max = bounds.mount_max;
    if !bounds.max_ttl.is_zero() {
        max = max.min(bounds.max_ttl);
    }
    // A periodic token has no end, but it has to be renewed as often as others end.
    let counted_age = if bounds.period.is_zero() {
        age
    } else {
        Duration::ZERO
    };
    cap(&mut ttl, max, counted_age, &mut warnings);
    if !bounds.explicit_max_ttl.is_zero() {
        cap(&mut ttl, bounds.explicit_max_ttl, age, &mut warnings);
    }
    Lifetime { ttl, warnings }
}

fn cap(ttl: &mut Duration, max: Duration, age: Duration, warnings: &mut Vec<String>) {
    let left = max.saturating_sub(age);
    if *ttl > left {
        warnings.push(format!(
            "TTL of \"{}\" exceeded the effective max_ttl of \"{}\"; TTL value is capped accordingly",
            format_duration_short(*ttl),
            format_duration_short(left)
        ));
        *ttl = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[track_caller]
    fn check(bounds: Bounds, age_seconds: i64, ttl: Duration, warned: bool) {
        let bounds = Bounds {
            mount_default: 10 * HOUR,
            mount_max: 20 * HOUR,
            ..bounds
        };
        let found = lifetime(bounds, at(1_000), at(1_000 + age_seconds));
        assert_eq!(found.ttl, ttl);
        assert_eq!(!found.warnings.is_empty(), warned);
    }

    #[test]
    fn life_is_bounded_by_every_maximum() {
        let bounds = Bounds::default();
        check(bounds, 0, 10 * HOUR, false);
        check(
            Bounds {
                requested: HOUR,
                ..bounds
            },
            0,
            HOUR,
            false,
        );
        check(
            Bounds {
                requested: 30 * HOUR,
                ..bounds
            },
            0,
            20 * HOUR,
            true,
        );
        check(
            Bounds {
                requested: 5 * HOUR,
                max_ttl: 2 * HOUR,
                ..bounds
            },
            0,
            2 * HOUR,
            true,
        );
        check(
            Bounds {
                requested: 5 * HOUR,
                explicit_max_ttl: HOUR,
                ..bounds
            },
            0,
            HOUR,
            true,
        );
        check(
            Bounds {
                requested: 5 * HOUR,
                ..bounds
            },
            18 * 3_600,
            2 * HOUR,
            true,
        );
        check(
            Bounds {
                requested: 5 * HOUR,
                ..bounds
            },
            21 * 3_600,
            Duration::ZERO,
            true,
        );
    }

    #[test]
    fn a_periodic_token_has_no_maximum_but_the_explicit_one() {
        let bounds = Bounds {
            period: 15 * HOUR,
            ..Bounds::default()
        };
        check(bounds, 500 * 3_600, 15 * HOUR, false);
        check(
            Bounds {
                explicit_max_ttl: 40 * HOUR,
                ..bounds
            },
            30 * 3_600,
            10 * HOUR,
            true,
        );
        // The period itself is bounded.
        for (period, max_ttl, ttl) in [(30, 0, 20), (15, 10, 10)] {
            let bounds = Bounds {
                period: period * HOUR,
                max_ttl: max_ttl * HOUR,
                ..Bounds::default()
            };
            check(bounds, 500 * 3_600, ttl * HOUR, true);
        }
    }
}
