//! The published documents, as bytes that are made when something changes.
//!
//! A request for them touches neither storage nor a lock. Each document carries the epoch in which
//! its records were read; whatever may have changed them begins a new epoch, so that a document that
//! was made meanwhile from what was there before is never taken for current.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use tokio::sync::Mutex;
use vouchsafe_identity::issuer::{
    KeySet, NamedKey, Promise, UnixSeconds, discovery_document, effective_issuer,
};
use vouchsafe_jose::JwkSet;
use vouchsafe_logical::{CommitError, Error};

use super::Oidc;
use super::records::{KEYS, PROMISE, key_record};

/// How often the named keys are read again because they changed while they were read.
const READ_ATTEMPTS_MAX: usize = 16;
/// How long storage that refused a promise is left alone, so that a failure does not turn every
/// request for the key set into a write.
const PROMISE_RETRY_SECONDS: u64 = 5;

/// What is published, where it has been asked for.
#[derive(Default)]
pub(super) struct Documents {
    key_set_epoch: AtomicU64,
    key_set: ArcSwapOption<KeySetDocument>,
    discovery_epoch: AtomicU64,
    discovery: ArcSwapOption<DiscoveryDocument>,
    /// Held while the key set is made or its promise extended, so that one request does it.
    making: Mutex<()>,
    /// Until when a promise that could not be stored is not tried again.
    promise_retry_at: AtomicU64,
}

impl Documents {
    /// A named key has changed.
    pub(super) fn forget_key_set(&self) {
        self.key_set_epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The configuration has changed.
    pub(super) fn forget_discovery(&self) {
        self.discovery_epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn current_key_set(&self, now: UnixSeconds) -> Option<Arc<KeySetDocument>> {
        let document = self.key_set.load_full()?;
        let is_current = document.epoch == self.key_set_epoch.load(Ordering::Acquire);
        (is_current && document.key_set.is_valid(now)).then_some(document)
    }
}

/// The bytes of a document, with what identifies them.
#[derive(Clone)]
pub(super) struct Rendered {
    pub(super) body: Bytes,
    pub(super) etag: String,
}

impl Rendered {
    fn new(json: &[u8]) -> Self {
        let etag = format!("\"{}\"", hex::encode(&digest(&SHA256, json).as_ref()[..16]));
        Self {
            body: Bytes::copy_from_slice(json),
            etag,
        }
    }
}

/// The key set.
pub(super) struct KeySetDocument {
    pub(super) rendered: Rendered,
    pub(super) key_set: KeySet,
    epoch: u64,
    generation: u64,
    promised_until: AtomicU64,
}

impl KeySetDocument {
    pub(super) fn keys(&self) -> &JwkSet {
        self.key_set.keys()
    }

    /// How long caches have been allowed to keep a key set, as far as this node knows.
    pub(super) fn promised_until(&self) -> UnixSeconds {
        UnixSeconds(self.promised_until.load(Ordering::Acquire))
    }
}

/// The provider metadata.
pub(super) struct DiscoveryDocument {
    pub(super) rendered: Rendered,
    issuer: String,
    epoch: u64,
}

impl DiscoveryDocument {
    /// The issuer in force.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl Oidc {
    /// The provider metadata in force.
    pub(super) async fn discovery(&self) -> Result<Arc<DiscoveryDocument>, Error> {
        let epoch = self.documents.discovery_epoch.load(Ordering::Acquire);
        if let Some(document) = self.documents.discovery.load_full()
            && document.epoch == epoch
        {
            return Ok(document);
        }
        let issuer = effective_issuer(&self.config().await?.issuer, &self.system.api_address());
        let rendered = Rendered::new(&discovery_document(&issuer));
        let document = Arc::new(DiscoveryDocument {
            rendered,
            issuer,
            epoch,
        });
        self.documents.discovery.store(Some(Arc::clone(&document)));
        Ok(document)
    }

    /// The key set in force at `now`.
    pub(super) async fn key_set(&self, now: UnixSeconds) -> Result<Arc<KeySetDocument>, Error> {
        if let Some(document) = self.documents.current_key_set(now) {
            return Ok(document);
        }
        let _making = self.documents.making.lock().await;
        if let Some(document) = self.documents.current_key_set(now) {
            return Ok(document);
        }
        self.make_key_set(now).await
    }

    async fn make_key_set(&self, now: UnixSeconds) -> Result<Arc<KeySetDocument>, Error> {
        for _ in 0..READ_ATTEMPTS_MAX {
            let epoch = self.documents.key_set_epoch.load(Ordering::Acquire);
            let before = self.promise().await?;
            let named_keys = self.named_keys().await?;
            // Every change of a named key changes the generation, so that what was read in between
            // is the picture of one moment.
            if self.promise().await?.generation != before.generation {
                continue;
            }
            let key_set = KeySet::render(&named_keys, now);
            let document = Arc::new(KeySetDocument {
                rendered: Rendered::new(key_set.json()),
                key_set,
                epoch,
                generation: before.generation,
                promised_until: AtomicU64::new(before.until.0),
            });
            self.documents.key_set.store(Some(Arc::clone(&document)));
            return Ok(document);
        }
        Err(CommitError::Conflict.into())
    }

    async fn promise(&self) -> Result<Promise, Error> {
        Ok(self.view.read(PROMISE).await?.unwrap_or_default())
    }

    async fn named_keys(&self) -> Result<Vec<NamedKey>, Error> {
        let mut named_keys = Vec::new();
        for name in self.view.list_folder(KEYS).await? {
            named_keys.extend(self.view.read::<NamedKey>(&key_record(&name)).await?);
        }
        Ok(named_keys)
    }

    /// Sees to it that a key set may be cached for `max_age_seconds` from `now` on, and answers the
    /// key set to serve. Where that fails, or another request is at it, the answer is what can be
    /// served as it is: the promise that stands only grows shorter.
    pub(super) async fn promise_key_set(
        &self,
        document: Arc<KeySetDocument>,
        now: UnixSeconds,
        max_age_seconds: u64,
    ) -> Arc<KeySetDocument> {
        let retry_at = &self.documents.promise_retry_at;
        if now.0 < retry_at.load(Ordering::Relaxed) {
            return document;
        }
        let Ok(_making) = self.documents.making.try_lock() else {
            return document;
        };
        match self.extend_promise(&document, now, max_age_seconds).await {
            Ok(None) => document,
            Ok(Some(newer)) => newer,
            Err(error) => {
                retry_at.store(now.plus(PROMISE_RETRY_SECONDS).0, Ordering::Relaxed);
                tracing::warn!(%error, "caches can't be allowed to keep the key set");
                document
            }
        }
    }

    /// Extends the promise for a document; answers another one if it is out of date.
    async fn extend_promise(
        &self,
        document: &KeySetDocument,
        now: UnixSeconds,
        max_age_seconds: u64,
    ) -> Result<Option<Arc<KeySetDocument>>, Error> {
        let mut records = self.begin();
        let stored = records.promise().await?;
        if stored.generation != document.generation {
            // A node changed the key set, and this one has not been told yet.
            self.documents.forget_key_set();
            return self.make_key_set(now).await.map(Some);
        }
        let mut until = stored.until;
        if let Some(extended) = stored.extended(now, max_age_seconds) {
            records
                .transaction
                .put_record(&self.view, PROMISE, &extended)?;
            match records.transaction.commit().await {
                Ok(()) => until = extended.until,
                // Another node extended it, or changed the key set. The next request will see.
                Err(CommitError::Conflict) => {}
                Err(error @ CommitError::Failed(_)) => return Err(error.into()),
            }
        }
        document.promised_until.store(until.0, Ordering::Release);
        Ok(None)
    }
}
