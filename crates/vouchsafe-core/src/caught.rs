//! A backend's panic as an error: it must not take the request's audit entry along, nor the duties
//! of other mounts.
//!
//! What a panic leaves behind is no worse than what a crash leaves: changes are transactions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use vouchsafe_logical::Error;

/// The output of a future.
///
/// # Errors
/// It panicked. What it panicked with is not repeated: it may hold secrets.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        // After a panic the future is not polled again, so nobody sees the state it is in.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(_) => Poll::Ready(Err(
                Error::internal("the backend panicked").with_reason("backend_panicked")
            )),
        }
    })
    .await
}
