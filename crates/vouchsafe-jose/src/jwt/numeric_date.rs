//! Points in time as JWT writes them (RFC 7519 §2, NumericDate).

use std::fmt;

use serde_json::Value;

use crate::limits::NUMERIC_DATE_SECONDS_MAX;

const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted; a fraction is kept to the
/// nanosecond.
///
/// From 0 to [`NUMERIC_DATE_SECONDS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumericDate {
    seconds: u64,
    nanoseconds: u32,
}

impl NumericDate {
    /// The latest date that can be written.
    pub const LATEST: Self = Self {
        seconds: NUMERIC_DATE_SECONDS_MAX,
        nanoseconds: 0,
    };

    /// A whole number of seconds.
    ///
    /// # Errors
    /// [`NumericDateError::OutOfRange`] above [`NUMERIC_DATE_SECONDS_MAX`].
    pub const fn from_seconds(seconds: u64) -> Result<Self, NumericDateError> {
        if seconds > NUMERIC_DATE_SECONDS_MAX {
            return Err(NumericDateError::OutOfRange);
        }
        Ok(Self {
            seconds,
            nanoseconds: 0,
        })
    }

    /// Reads a JSON number, whole or with a fraction.
    ///
    /// # Errors
    /// [`NumericDateError::NotANumber`] for a value of another type, [`NumericDateError::OutOfRange`]
    /// for a negative number or one above [`NUMERIC_DATE_SECONDS_MAX`].
    pub fn from_json(value: &Value) -> Result<Self, NumericDateError> {
        let Value::Number(number) = value else {
            return Err(NumericDateError::NotANumber);
        };
        if let Some(seconds) = number.as_u64() {
            return Self::from_seconds(seconds);
        }
        number
            .as_f64()
            .ok_or(NumericDateError::NotANumber)
            .and_then(Self::from_f64)
    }

    fn from_f64(value: f64) -> Result<Self, NumericDateError> {
        #[expect(
            clippy::as_conversions,
            clippy::cast_precision_loss,
            reason = "2^53 - 1 is exactly representable"
        )]
        let seconds_max = NUMERIC_DATE_SECONDS_MAX as f64;
        // Also false for NaN.
        if !(0.0..=seconds_max).contains(&value) {
            return Err(NumericDateError::OutOfRange);
        }
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range, as checked above; the fraction is below one second"
        )]
        let (seconds, nanoseconds) = (
            value.trunc() as u64,
            (value.fract() * NANOSECONDS_PER_SECOND) as u32,
        );
        Ok(Self {
            seconds,
            nanoseconds,
        })
    }

    /// The whole seconds; a fraction is dropped.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.seconds
    }

    /// This many seconds later, at most the latest date.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        let seconds = self
            .seconds
            .saturating_add(seconds)
            .min(NUMERIC_DATE_SECONDS_MAX);
        Self { seconds, ..self }
    }

    /// This many seconds earlier, at least 0.
    #[must_use]
    pub const fn minus_seconds(self, seconds: u64) -> Self {
        match self.seconds.checked_sub(seconds) {
            Some(seconds) => Self { seconds, ..self },
            None => Self {
                seconds: 0,
                nanoseconds: 0,
            },
        }
    }
}

/// The number as JSON would write it, without zeros at the end.
impl fmt::Display for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanoseconds == 0 {
            return write!(f, "{}", self.seconds);
        }
        let fraction = format!("{:09}", self.nanoseconds);
        write!(f, "{}.{}", self.seconds, fraction.trim_end_matches('0'))
    }
}

/// Why a value is not a NumericDate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumericDateError {
    /// A string, boolean, null, array or object.
    #[error("not a JSON number")]
    NotANumber,
    /// Negative or too large.
    #[error("out of range; expected 0 to {NUMERIC_DATE_SECONDS_MAX}")]
    OutOfRange,
}
