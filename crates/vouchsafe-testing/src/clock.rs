//! A clock that stands until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use vouchsafe_logical::{Clock, Timestamp};

/// A clock under a test's control.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Starts at a Unix time in seconds.
    #[must_use]
    pub fn at(unix_seconds: i64) -> Self {
        Self(Mutex::new(
            Timestamp::from_second(unix_seconds).expect("a time that exists"),
        ))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self
            .0
            .lock()
            .expect("no test panicked with the clock in hand");
        *now = now.checked_add(by).expect("a time that exists");
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, unix_seconds: i64) {
        let mut now = self
            .0
            .lock()
            .expect("no test panicked with the clock in hand");
        *now = Timestamp::from_second(unix_seconds).expect("a time that exists");
    }
}

impl Default for ManualClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(1_767_225_600)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self
            .0
            .lock()
            .expect("no test panicked with the clock in hand")
    }
}
