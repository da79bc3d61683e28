//! What verifiers were told about how long they may keep the key set.
//!
//! `max-age` is a promise: until it ends, a cache need not ask again, so a pair that is published
//! meanwhile may be unknown to it. The record of the latest promise is what makes "published long
//! enough" a fact instead of an assumption. It is extended by conditional writes, and every change of
//! the key set changes its generation, so that a node whose key set is out of date can't promise
//! anything more for it.

use serde::{Deserialize, Serialize};

use super::{MAX_AGE_SECONDS_MAX, Publication, UnixSeconds};

/// How long an answer may be under way to a cache, and how far the nodes' clocks may differ.
pub const DELIVERY_MARGIN_SECONDS: u64 = 10;

/// The farthest that a promise reaches: a `max-age`, and another one for as long as it is not renewed.
pub const PROMISE_SECONDS_MAX: u64 = PROMISE_MAX_AGES * MAX_AGE_SECONDS_MAX;
const PROMISE_MAX_AGES: u64 = 2;

/// The outstanding promise; one record for all key sets that were ever served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// No answer allows a cache to keep a key set longer than this.
    pub until: UnixSeconds,
    /// Which key set the promise may be extended for.
    pub generation: u64,
}

impl Promise {
    /// When a pair that enters the key set now is known to every cache.
    ///
    /// Caches count `max-age` from when they received it, so a promise that reaches farther than any
    /// does was made by a clock that ran ahead, and binds nobody beyond [`PROMISE_SECONDS_MAX`].
    #[must_use]
    pub fn publication(&self, now: UnixSeconds) -> Publication {
        let until = self.until.min(now.plus(PROMISE_SECONDS_MAX));
        let known_from = until.plus(DELIVERY_MARGIN_SECONDS).max(now);
        Publication {
            at: now,
            known_from,
        }
    }

    /// The promise after the key set has changed.
    #[must_use]
    pub const fn with_changed_keys(self) -> Self {
        Self {
            until: self.until,
            generation: self.generation + 1,
        }
    }

    /// The promise that allows `max_age_seconds` now and for as long again, so that it is written
    /// once per `max-age` and not once per answer. `None` where it allows that already.
    #[must_use]
    pub fn extended(self, now: UnixSeconds, max_age_seconds: u64) -> Option<Self> {
        if self.until >= now.plus(max_age_seconds) {
            return None;
        }
        let until = now.plus(PROMISE_MAX_AGES * max_age_seconds).max(self.until);
        Some(Self {
            until,
            generation: self.generation,
        })
    }
}
