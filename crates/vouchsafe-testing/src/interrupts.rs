//! What happens in the middle of somebody else's call, so that a race is a test of its own and not a
//! matter of luck.

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version};

/// A place in a call at which something else can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The record at this key was read; who asked for it does not have it yet.
    Read(String),
    /// A batch was handed over; nothing of it is written yet.
    Commit,
}

/// What happens once at a moment, each.
#[derive(Default)]
pub struct Interrupts(Mutex<Vec<(Moment, BoxFuture<'static, ()>)>>);

impl Interrupts {
    /// Lets `happens` happen when `moment` comes next. Whoever's call it is goes on afterwards.
    pub fn at(&self, moment: Moment, happens: impl Future<Output = ()> + Send + 'static) {
        let mut waiting = self.0.lock().expect("not poisoned");
        waiting.push((moment, Box::pin(happens)));
    }

    /// How many moments have not come yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }

    /// The moment is there. What happens now may come to such a moment itself: it is not waiting
    /// any more.
    pub async fn pass(&self, moment: Moment) {
        let happens = {
            let mut waiting = self.0.lock().expect("not poisoned");
            let place = waiting.iter().position(|(waits, _)| *waits == moment);
            place.map(|place| waiting.remove(place).1)
        };
        if let Some(happens) = happens {
            happens.await;
        }
    }
}

/// The output of a future that waits for nobody, for a place that can't wait.
///
/// # Panics
/// It does wait.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("what had to happen at once waits"),
    }
}

/// Passes everything on to another store, and lets things happen in between.
pub struct InterruptedStore<S> {
    inner: S,
    /// What happens when.
    pub interrupts: Interrupts,
}

impl<S> InterruptedStore<S> {
    /// Nothing happens in between yet.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            interrupts: Interrupts::default(),
        }
    }
}

impl<S: Store> Store for InterruptedStore<S> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            let found = self.inner.get(key).await;
            self.interrupts.pass(Moment::Read(key.to_owned())).await;
            found
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            let found = self.inner.get_newer(key, than).await;
            self.interrupts.pass(Moment::Read(key.to_owned())).await;
            found
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.inner.list(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            self.interrupts.pass(Moment::Commit).await;
            self.inner.commit(batch).await
        })
    }
}
