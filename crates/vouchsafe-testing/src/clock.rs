//! A clock that stands until a test moves it, and lets things happen when it is asked.

use std::sync::Mutex;
use std::time::Duration;

use vouchsafe_logical::{Clock, Timestamp};

/// What happens when the clock is asked.
type Hook = Box<dyn FnOnce() + Send>;

/// A clock under a test's control.
pub struct ManualClock {
    now: Mutex<Timestamp>,
    hook: Mutex<Option<Hook>>,
}

impl ManualClock {
    /// Starts at a Unix time in seconds.
    #[must_use]
    pub fn at(unix_seconds: i64) -> Self {
        Self {
            now: Mutex::new(Timestamp::from_second(unix_seconds).expect("a time that exists")),
            hook: Mutex::new(None),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self
            .now
            .lock()
            .expect("no test panicked with the clock in hand");
        *now = now.checked_add(by).expect("a time that exists");
    }

    /// Lets `happens` happen when the clock is asked next, before it answers: in the middle of
    /// whatever asks. It may ask the clock itself.
    pub fn when_asked(&self, happens: impl FnOnce() + Send + 'static) {
        let mut hook = self.hook.lock().expect("not poisoned");
        *hook = Some(Box::new(happens));
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, unix_seconds: i64) {
        let mut now = self
            .now
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
        let hook = self.hook.lock().expect("not poisoned").take();
        if let Some(happens) = hook {
            happens();
        }
        *self
            .now
            .lock()
            .expect("no test panicked with the clock in hand")
    }
}
