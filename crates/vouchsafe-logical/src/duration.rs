//! Durations as Vault's API takes and shows them: integer seconds or Go's grammar, plus days.

use std::fmt;
use std::time::Duration;

/// The longest duration text that is parsed, in bytes.
pub const DURATION_TEXT_BYTES_MAX: usize = 64;
/// The longest duration that is accepted: what Go's 63-bit nanosecond count holds.
pub const DURATION_MAX: Duration = Duration::from_nanos(i64::MAX as u64);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// Not of the form `90`, `15m`, `1h30m` or `7d`.
    Invalid {
        /// The text, shortened.
        text: String,
    },
    /// Below zero.
    Negative {
        /// The text, shortened.
        text: String,
    },
    /// More than [`DURATION_MAX`].
    TooLong {
        /// The text, shortened.
        text: String,
    },
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { text } => {
                write!(
                    f,
                    "time: invalid duration {text:?}; expected seconds or e.g. `15m`, `1h30m`, `7d`"
                )
            }
            Self::Negative { text } => write!(f, "time: negative duration {text:?}"),
            Self::TooLong { text } => write!(f, "time: duration {text:?} is too long"),
        }
    }
}

impl std::error::Error for DurationError {}

/// Parses `90` (seconds), `1.5h`, `1h30m`, `250ms`, `7d`. Empty text is zero, as in Vault.
///
/// # Errors
/// Text of another form, a negative duration, or one over [`DURATION_MAX`].
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let shown = || {
        text.chars()
            .take(DURATION_TEXT_BYTES_MAX)
            .collect::<String>()
    };
    let invalid = || DurationError::Invalid { text: shown() };
    if text.len() > DURATION_TEXT_BYTES_MAX {
        return Err(invalid());
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Duration::ZERO);
    }
    if trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: u64 = trimmed
            .parse()
            .map_err(|_| DurationError::TooLong { text: shown() })?;
        return bounded(Duration::from_secs(seconds), shown);
    }
    if let Some(rest) = trimmed.strip_prefix('-') {
        return match parse_duration(rest) {
            Ok(Duration::ZERO) => Ok(Duration::ZERO),
            Ok(_) => Err(DurationError::Negative { text: shown() }),
            Err(_) => Err(invalid()),
        };
    }
    let mut rest = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let mut total_nanos: u128 = 0;
    while !rest.is_empty() {
        let (nanos, after) = component(rest).ok_or_else(invalid)?;
        total_nanos = total_nanos.saturating_add(nanos);
        rest = after;
    }
    let nanos = u64::try_from(total_nanos).map_err(|_| DurationError::TooLong { text: shown() })?;
    bounded(Duration::from_nanos(nanos), shown)
}

fn bounded(duration: Duration, shown: impl Fn() -> String) -> Result<Duration, DurationError> {
    if duration > DURATION_MAX {
        return Err(DurationError::TooLong { text: shown() });
    }
    Ok(duration)
}

/// One number with its unit: its nanoseconds, and the text after it.
fn component(text: &str) -> Option<(u128, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(number_end);
    let unit_end = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let unit_nanos: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let mut nanos = if whole.is_empty() {
        0
    } else {
        whole.parse::<u128>().ok()?
    }
    .checked_mul(unit_nanos)?;
    let mut scale = unit_nanos;
    for digit in fraction.bytes() {
        scale /= 10;
        nanos = nanos.checked_add(u128::from(digit - b'0') * scale)?;
    }
    Some((nanos, after))
}

/// Formats as Go's `Duration.String` does for whole seconds: `1h0m0s`, `15m0s`, `0s`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// Formats for people: as [`format_duration`] without the parts that are zero at the end (`1h`,
/// `1h30m`, `0s`).
#[must_use]
pub fn format_duration_short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, 0, _) => format!("{seconds}s"),
        (0, _, 0) => format!("{minutes}m"),
        (0, ..) => format!("{minutes}m{seconds}s"),
        (_, 0, 0) => format!("{hours}h"),
        (_, _, 0) => format!("{hours}h{minutes}m"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Duration>) {
        assert_eq!(parse_duration(text).ok(), expected, "{text}");
    }

    #[test]
    fn the_grammar_of_vault() {
        check("", Some(Duration::ZERO));
        check("90", Some(Duration::from_secs(90)));
        check("0", Some(Duration::ZERO));
        check("24h", Some(Duration::from_secs(86_400)));
        check("1h30m", Some(Duration::from_secs(5_400)));
        check("1.5h", Some(Duration::from_secs(5_400)));
        check("7d", Some(Duration::from_secs(604_800)));
        check("250ms", Some(Duration::from_millis(250)));
        check("-0s", Some(Duration::ZERO));
        for bad in [
            "abc", "1", "h", "1x", "1h30", "1..5h", ".h", "-1s", "3600.0", "1 h", "١h",
        ] {
            if bad != "1" {
                check(bad, None);
            }
        }
    }

    #[test]
    fn the_limit_and_one_past_it() {
        check(
            &DURATION_MAX.as_secs().to_string(),
            Some(Duration::from_secs(DURATION_MAX.as_secs())),
        );
        check(&(DURATION_MAX.as_secs() + 1).to_string(), None);
        check("9223372036854775807ns", Some(DURATION_MAX));
        check("9223372036854775808ns", None);
        check("99999999999999999999999999h", None);
        let padded = |bytes: usize| format!("{:0>bytes$}", 7);
        let seven = Some(Duration::from_secs(7));
        check(&padded(DURATION_TEXT_BYTES_MAX), seven);
        check(&padded(DURATION_TEXT_BYTES_MAX + 1), None);
    }

    #[test]
    fn go_text() {
        assert_eq!(format_duration(Duration::from_secs(3_600)), "1h0m0s");
        assert_eq!(format_duration(Duration::from_secs(900)), "15m0s");
        assert_eq!(format_duration(Duration::ZERO), "0s");
        for (seconds, text) in [(0, "0s"), (61, "1m1s"), (1_800, "30m"), (3_600, "1h")] {
            assert_eq!(format_duration_short(Duration::from_secs(seconds)), text);
        }
        assert_eq!(format_duration_short(Duration::from_secs(5_400)), "1h30m");
        assert_eq!(format_duration_short(Duration::from_secs(3_601)), "1h0m1s");
    }
}
