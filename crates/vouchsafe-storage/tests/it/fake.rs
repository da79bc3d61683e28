//! Fakes: a clock that stands still, repeatable dice, and barriers over one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vouchsafe_logical::{Batch, Clock, Entropy, Store, Timestamp, Version};
use vouchsafe_storage::{Barrier, InMemory, Physical, RootKey};

pub(crate) struct FixedClock;

pub(crate) const NOW_SECONDS: i64 = 1_700_000_000;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW_SECONDS).unwrap()
    }
}

/// Not random at all, but never the same: SplitMix64 from a seed.
pub(crate) struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) fn root_key(byte: u8) -> RootKey {
    RootKey::try_from(&[byte; 32][..]).unwrap()
}

/// A sealed barrier: one node. Nodes have seeds of their own.
pub(crate) fn node(physical: &Arc<dyn Physical>, seed: u64) -> Barrier {
    Barrier::new(
        Arc::clone(physical),
        Arc::new(SeededEntropy::new(seed)),
        Arc::new(FixedClock),
    )
}

pub(crate) fn in_memory() -> Arc<dyn Physical> {
    Arc::new(InMemory::new())
}

/// An initialized and unsealed barrier, and the store below it.
pub(crate) async fn unsealed() -> (Barrier, Arc<dyn Physical>) {
    let physical = in_memory();
    let barrier = node(&physical, 1);
    barrier.initialize(&root_key(1)).await.unwrap();
    barrier.unseal(&root_key(1)).await.unwrap();
    (barrier, physical)
}

pub(crate) fn batch(key: &str, value: &[u8]) -> Batch {
    let mut batch = Batch::default();
    batch.writes.insert(key.to_owned(), Some(value.to_vec()));
    batch
}

pub(crate) fn expecting(mut batch: Batch, key: &str, version: Option<Version>) -> Batch {
    batch.expect.insert(key.to_owned(), version);
    batch
}

pub(crate) async fn put(store: &dyn Store, key: &str, value: &[u8]) {
    store.commit(batch(key, value)).await.unwrap();
}

pub(crate) async fn value(store: &dyn Store, key: &str) -> Option<Vec<u8>> {
    store.get(key).await.unwrap().map(|record| record.value)
}

/// Puts raw bytes into the physical store, as its administrator could.
pub(crate) async fn put_raw(physical: &dyn Physical, key: &str, bytes: &[u8]) {
    physical.commit(batch(key, bytes)).await.unwrap();
}

pub(crate) async fn raw(physical: &dyn Physical, key: &str) -> Vec<u8> {
    physical.get(key).await.unwrap().unwrap().value
}
