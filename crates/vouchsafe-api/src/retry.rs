//! Which answers are asked for again, and after how long.
//!
//! The rule is a pure function of the answer; waiting is the client's.

use std::time::Duration;

use crate::request::Method;

/// How long the client waits before its first retry; the wait grows by half each time.
///
/// A constant, not a random wait: one command line is no thundering herd.
pub const RETRY_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between two tries.
const RETRY_WAIT_MAX: Duration = Duration::from_millis(1500);

/// Whether the same request may succeed if sent again.
///
/// - 412: the server has not yet seen a write that the client has (vault-core.md §3).
/// - 5xx, apart from 501 which is a statement about the server: only if sending twice is harmless.
///   A `POST` may have taken effect before the server failed, so it is not sent again.
pub(crate) fn is_retryable(method: Method, status: u16) -> bool {
    match status {
        412 => true,
        501 => false,
        500..=599 => method.is_idempotent(),
        _ => false,
    }
}

/// The wait before retry number `attempt`, counted from 0.
pub(crate) fn wait(first: Duration, attempt: u32) -> Duration {
    let grown = first + (first / 2) * attempt;
    grown.min(RETRY_WAIT_MAX.max(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_retried_only_when_that_is_harmless() {
        assert!(is_retryable(Method::Get, 500));
        assert!(is_retryable(Method::Put, 503));
        assert!(is_retryable(Method::Post, 412));
        assert!(!is_retryable(Method::Post, 500));
        assert!(!is_retryable(Method::Get, 501));
        assert!(!is_retryable(Method::Get, 400));
        assert!(!is_retryable(Method::Get, 200));
    }

    #[test]
    fn waits_grow_up_to_the_maximum() {
        let first = Duration::from_millis(1000);
        assert_eq!(wait(first, 0), Duration::from_millis(1000));
        assert_eq!(wait(first, 1), Duration::from_millis(1500));
        assert_eq!(wait(first, 9), RETRY_WAIT_MAX);
    }
}
