//! A request that the core has begun: it is finished, whatever becomes of who waits for it.
//!
//! It runs on the task of its connection, since a task of its own would cost each request a way to
//! another thread and back. When who waits goes away (the client hung up, or took too long), what is
//! left of it moves to a task of its own and ends there, so that its end is audited. A panic ends the
//! request and nothing else.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use vouchsafe_logical::BoxFuture;

/// The work of a request.
pub(crate) struct Begun<T: Send + 'static> {
    /// `None` once it has ended.
    work: Option<BoxFuture<'static, T>>,
}

/// The work panicked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

impl<T: Send + 'static> Begun<T> {
    /// Takes over some work. Nothing of it is done before it is polled.
    pub(crate) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            work: Some(Box::pin(work)),
        }
    }
}

impl<T: Send + 'static> Future for Begun<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(Err(Panicked));
        };
        let polled = poll_caught(work, context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Begun<T> {
    fn drop(&mut self) {
        let Some(mut work) = self.work.take() else {
            return;
        };
        // Without a runtime the process is about to end, and nothing can be finished.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        drop(runtime.spawn(async move {
            let rest = std::future::poll_fn(|context| poll_caught(&mut work, context));
            if rest.await.is_err() {
                tracing::error!("a request panicked after its client had gone");
            }
        }));
    }
}

fn poll_caught<T>(
    work: &mut BoxFuture<'static, T>,
    context: &mut Context<'_>,
) -> Poll<Result<T, Panicked>> {
    // The work is not polled again after a panic, so nobody sees what it left half done.
    match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_finished() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let mut begun = Begun::new(async move {
            let _ = receiver.await;
            end.store(true, Ordering::SeqCst);
        });
        let waiting = std::future::poll_fn(|context| {
            assert!(Pin::new(&mut begun).poll(context).is_pending());
            Poll::Ready(())
        });
        waiting.await;
        drop(begun);
        sender.send(()).unwrap();
        while !ended.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_ends_the_work_alone() {
        let begun: Begun<()> = Begun::new(async { panic!("on purpose") });
        assert_eq!(begun.await, Err(Panicked));
    }

    #[tokio::test]
    async fn work_that_ends_at_once_is_its_outcome() {
        assert_eq!(Begun::new(async { 7 }).await, Ok(7));
    }
}
