//! A setting of the whole system that every request looks at: one stored record, kept in memory as
//! it is in force, and read anew when some node has written it.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vouchsafe_logical::{Attempts, Error, View};

/// What may be a setting.
pub(crate) trait Stored:
    Clone + Default + Serialize + DeserializeOwned + Send + Sync
{
}

impl<T: Clone + Default + Serialize + DeserializeOwned + Send + Sync> Stored for T {}

/// A stored record `T` and what is made of it, `F`.
pub(crate) struct Setting<T, F = T> {
    view: View,
    key: &'static str,
    /// Changes in this node happen one after the other; between nodes the record's version decides.
    changing: tokio::sync::Mutex<()>,
    make: fn(T) -> F,
    in_force: ArcSwap<F>,
}

impl<T: Stored, F> Setting<T, F> {
    /// Reads the record at `key` below `view`.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn open(
        view: View,
        key: &'static str,
        make: fn(T) -> F,
    ) -> Result<Self, Error> {
        let stored = view.read(key).await?.unwrap_or_default();
        Ok(Self {
            in_force: ArcSwap::from_pointee(make(stored)),
            changing: tokio::sync::Mutex::new(()),
            view,
            key,
            make,
        })
    }

    /// What is in force, for a moment.
    pub(crate) fn in_force(&self) -> Guard<Arc<F>> {
        self.in_force.load()
    }

    /// Changes the record, and puts it in force.
    ///
    /// # Errors
    /// Those of `change`; the store's.
    pub(crate) async fn change<A>(
        &self,
        mut change: impl FnMut(&mut T) -> Result<A, Error>,
    ) -> Result<A, Error> {
        let _one_at_a_time = self.changing.lock().await;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let stored = transaction.read(&self.view, self.key).await?;
            let mut value: T = stored.unwrap_or_default();
            let answer = change(&mut value)?;
            transaction.put_record(&self.view, self.key, &value)?;
            if attempts.commit(transaction).await?.is_done() {
                self.load().await?;
                return Ok(answer);
            }
        }
    }

    /// Some node wrote these keys.
    pub(crate) async fn invalidate(&self, keys: &[String]) {
        let own = self.view.full(self.key);
        if keys.contains(&own) {
            self.invalidate_all().await;
        }
    }

    /// Anything may have been written.
    pub(crate) async fn invalidate_all(&self) {
        let _one_at_a_time = self.changing.lock().await;
        if let Err(error) = self.load().await {
            tracing::error!(
                setting = self.key,
                reason = error.reason(),
                "a setting can't be read"
            );
        }
    }

    async fn load(&self) -> Result<(), Error> {
        let stored = self.view.read(self.key).await?.unwrap_or_default();
        self.in_force.store(Arc::new((self.make)(stored)));
        Ok(())
    }
}
