//! The arithmetic of a rate limit: so many requests in an interval, evenly refilled.
//!
//! A client's state is one time: when it will have no request outstanding any more (the "theoretical
//! arrival time" of the generic cell rate algorithm, ITU-T I.371). So a client costs a few bytes, and
//! forgetting one that has been quiet for an interval changes nothing.
//!
//! A clock that is set back does not lock anybody out: no time is ever believed to be further away
//! than the limit could have put it.

use std::time::Duration;

use vouchsafe_logical::Timestamp;

/// So many requests in so much time, and what happens to who asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Requests in an interval; at least one.
    pub(crate) requests: u64,
    /// The interval.
    pub(crate) interval: Duration,
    /// How long a client is refused that asked for more; zero: until there is room again.
    pub(crate) block: Duration,
}

/// What is known of one client, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Client {
    free_at: i128,
    blocked_until: i128,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it may go on.
    pub allowed: bool,
    /// Requests in an interval.
    pub limit: u64,
    /// How many more would be allowed now.
    pub remaining: u64,
    /// When the whole limit is there again, in seconds from now, rounded up.
    pub reset_seconds: u64,
    /// When a refused client may try again, in seconds from now, rounded up.
    pub retry_seconds: u64,
}

impl Limit {
    /// Takes one request from a client's limit, if there is one.
    pub(crate) fn take(&self, client: &mut Client, now: Timestamp) -> Taken {
        let now = now.as_nanosecond();
        let interval = nanos(self.interval);
        let each = (interval / i128::from(self.requests)).max(1);
        client.blocked_until = client.blocked_until.min(now + nanos(self.block));
        let free_at = client.free_at.clamp(now, now + interval);
        let is_blocked = client.blocked_until > now;
        let allowed = !is_blocked && free_at + each <= now + interval;
        client.free_at = if allowed { free_at + each } else { free_at };
        if !allowed && !is_blocked && !self.block.is_zero() {
            client.blocked_until = now + nanos(self.block);
        }
        let free_at = client.free_at.clamp(now, now + interval);
        let retry_at = (free_at + each - interval).max(client.blocked_until);
        Taken {
            allowed,
            limit: self.requests,
            remaining: if client.blocked_until > now {
                0
            } else {
                u64::try_from((now + interval - free_at) / each)
                    .unwrap_or(0)
                    .min(self.requests)
            },
            reset_seconds: seconds(free_at.max(client.blocked_until) - now),
            retry_seconds: if allowed {
                0
            } else {
                seconds(retry_at - now).max(1)
            },
        }
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// Whole seconds, rounded up.
fn seconds(nanos: i128) -> u64 {
    const SECOND: i128 = 1_000_000_000;
    u64::try_from((nanos + SECOND - 1) / SECOND).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_767_225_600_000 + millis).unwrap()
    }

    const fn limit(requests: u64, interval: u64, block: u64) -> Limit {
        Limit {
            requests,
            interval: Duration::from_secs(interval),
            block: Duration::from_secs(block),
        }
    }

    #[test]
    fn the_limit_is_allowed_and_one_past_it_is_not() {
        for requests in [1, 2, 3, 7, 1_000] {
            let (limit, mut client) = (limit(requests, 10, 0), Client::default());
            for number in 0..requests {
                let taken = limit.take(&mut client, at(0));
                assert!(taken.allowed, "{number} of {requests}");
                assert_eq!(taken.remaining, requests - number - 1);
            }
            let refused = limit.take(&mut client, at(0));
            assert!(!refused.allowed);
            assert_eq!((refused.limit, refused.remaining), (requests, 0));
            assert!(refused.retry_seconds >= 1 && refused.retry_seconds <= 10);
            // After an interval, all of it is there again.
            for _ in 0..requests {
                assert!(limit.take(&mut client, at(10_000)).allowed);
            }
            assert!(!limit.take(&mut client, at(10_000)).allowed);
        }
    }

    #[test]
    fn room_comes_back_evenly() {
        let (limit, mut client) = (limit(5, 10, 0), Client::default());
        for _ in 0..5 {
            limit.take(&mut client, at(0));
        }
        let early = limit.take(&mut client, at(1_999));
        assert!(!early.allowed);
        assert_eq!((early.retry_seconds, early.reset_seconds), (1, 9));
        assert!(limit.take(&mut client, at(2_000)).allowed);
        assert!(!limit.take(&mut client, at(2_001)).allowed);
    }

    #[test]
    fn who_asked_for_more_is_blocked_and_asking_on_does_not_lengthen_it() {
        let (limit, mut client) = (limit(2, 1, 60), Client::default());
        assert!(limit.take(&mut client, at(0)).allowed);
        assert!(limit.take(&mut client, at(0)).allowed);
        assert_eq!(limit.take(&mut client, at(0)).retry_seconds, 60);
        for millis in [1_000, 30_000, 59_999] {
            let taken = limit.take(&mut client, at(millis));
            assert!(!taken.allowed && taken.remaining == 0, "{millis}");
        }
        assert!(limit.take(&mut client, at(60_000)).allowed);
        assert!(limit.take(&mut client, at(60_000)).allowed);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (limit, mut client) = (limit(2, 10, 60), Client::default());
        for _ in 0..3 {
            limit.take(&mut client, at(3_600_000));
        }
        let taken = limit.take(&mut client, at(0));
        assert!(!taken.allowed && taken.retry_seconds <= 60, "{taken:?}");
        assert!(limit.take(&mut client, at(60_000)).allowed);
    }
}
