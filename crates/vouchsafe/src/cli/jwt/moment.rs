//! A `NumericDate` in words: the time of day, and how far it is from now.

use serde_json::Value;
use vouchsafe_logical::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A point in time that a token names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// What the claim says.
    At(Timestamp),
    /// The claim is no point in time; this says why.
    Nonsense(&'static str),
}

impl Moment {
    /// Reads a claim.
    pub(super) fn of(value: &Value) -> Self {
        let Value::Number(number) = value else {
            return Self::Nonsense("not a number of seconds since 1970");
        };
        // A fraction of a second is of no interest to people; beyond the range, so is the rest.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and is then out of range"
        )]
        let seconds = number
            .as_i64()
            .or_else(|| number.as_f64().map(|seconds| seconds as i64));
        match seconds.map(Timestamp::from_second) {
            Some(Ok(at)) if at.as_second() >= 0 => Self::At(at),
            Some(Err(_)) if number.as_u64().is_some() => {
                Self::Nonsense("after the year 9999: milliseconds instead of seconds?")
            }
            _ => Self::Nonsense("not a number of seconds since 1970"),
        }
    }

    /// Time of day and distance.
    pub(super) fn in_words(&self, now: Timestamp) -> String {
        match self {
            Self::At(at) => format!("{at}, {}", distance(at.as_second() - now.as_second())),
            Self::Nonsense(why) => (*why).to_owned(),
        }
    }
}

/// How far away, to two units.
fn distance(seconds: i64) -> String {
    let span = span(seconds.saturating_abs());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {span}"),
        _ => format!("{span} ago"),
    }
}

fn span(seconds: i64) -> String {
    let unit = |count: i64, name: &str| match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    };
    let (first, rest) = if seconds < MINUTE {
        return unit(seconds, "second");
    } else if seconds < HOUR {
        let rest = unit(seconds % MINUTE, "second");
        (unit(seconds / MINUTE, "minute"), rest)
    } else if seconds < DAY {
        let rest = unit(seconds % HOUR / MINUTE, "minute");
        (unit(seconds / HOUR, "hour"), rest)
    } else {
        let rest = unit(seconds % DAY / HOUR, "hour");
        (unit(seconds / DAY, "day"), rest)
    };
    if rest.starts_with("0 ") {
        return first;
    }
    format!("{first} {rest}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, expected: &str) {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(Moment::of(&value).in_words(now), expected, "{value}");
    }

    #[test]
    fn times_are_told_by_the_clock_and_by_their_distance() {
        check(json!(1_700_000_000), "2023-11-14T22:13:20Z, now");
        check(json!(1_700_000_001), "2023-11-14T22:13:21Z, in 1 second");
        check(
            json!(1_699_999_910),
            "2023-11-14T22:11:50Z, 1 minute 30 seconds ago",
        );
        check(json!(1_700_003_600), "2023-11-14T23:13:20Z, in 1 hour");
        check(
            json!(1_700_007_260.75),
            "2023-11-15T00:14:20Z, in 2 hours 1 minute",
        );
        check(
            json!(1_700_000_000 - 90_000),
            "2023-11-13T21:13:20Z, 1 day 1 hour ago",
        );
        check(json!(0), "1970-01-01T00:00:00Z, 19675 days 22 hours ago");
    }

    #[test]
    fn what_is_no_time_is_called_so() {
        check(json!("1700000000"), "not a number of seconds since 1970");
        check(json!(-1), "not a number of seconds since 1970");
        check(json!(null), "not a number of seconds since 1970");
        let milliseconds = "after the year 9999: milliseconds instead of seconds?";
        check(json!(1_700_000_000_000_u64), milliseconds);
        check(
            json!(u64::MAX),
            "after the year 9999: milliseconds instead of seconds?",
        );
    }
}
