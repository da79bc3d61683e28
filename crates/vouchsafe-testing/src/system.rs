//! A core that is not there: what backends ask for, in memory and under a test's control.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vouchsafe_logical::metric::Metrics;
use vouchsafe_logical::{
    Clock, Entropy, Error, Fetch, MountSummary, Pool, Publications, Settings, System, View, Workers,
};

use crate::{FakeFetcher, ManualClock, MemoryStore, SeededEntropy};

/// A [`System`] with a manual clock, seeded entropy, mounts that a test lists, and workers that
/// run each job on a thread of its own.
#[derive(Default)]
pub struct TestSystem {
    /// The clock; advance it.
    pub clock: ManualClock,
    /// The dice.
    pub entropy: SeededEntropy,
    /// The servers of others.
    pub fetcher: FakeFetcher,
    /// What was counted.
    pub metrics: Metrics,
    /// What is published.
    pub publications: Publications,
    /// What [`System::api_address`] says.
    pub api_address: Mutex<String>,
    /// What [`System::mount_by_accessor`] finds.
    pub mounts: Mutex<Vec<MountSummary>>,
}

impl TestSystem {
    /// A system without mounts at 2026-01-01.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Adds a mount of `kind` at `auth/<kind>/` and returns its accessor.
    pub fn add_auth_mount(&self, kind: &str) -> String {
        let mut mounts = self.mounts.lock().expect("not poisoned");
        let accessor = format!("auth_{kind}_{:08x}", mounts.len() + 1);
        mounts.push(MountSummary {
            accessor: accessor.clone(),
            kind: kind.to_owned(),
            path: format!("auth/{kind}/"),
            local: false,
            default_lease_ttl: Duration::from_secs(768 * 3_600),
            max_lease_ttl: Duration::from_secs(768 * 3_600),
        });
        accessor
    }

    /// Settings for a backend over a fresh store.
    #[must_use]
    pub fn settings(self: &Arc<Self>) -> Settings {
        Settings {
            view: View::new(Arc::new(MemoryStore::default()), "logical/test/"),
            accessor: "test_00000000".to_owned(),
            options: BTreeMap::new(),
            system: Arc::clone(self) as Arc<dyn System>,
        }
    }
}

impl Workers for TestSystem {
    fn submit(&self, _pool: Pool, job: Box<dyn FnOnce() + Send>) -> Result<(), Error> {
        std::thread::spawn(job);
        Ok(())
    }
}

impl System for TestSystem {
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn entropy(&self) -> &dyn Entropy {
        &self.entropy
    }

    fn fetcher(&self) -> &dyn Fetch {
        &self.fetcher
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn workers(&self) -> &dyn Workers {
        self
    }

    fn publications(&self) -> &Publications {
        &self.publications
    }

    fn api_address(&self) -> String {
        self.api_address.lock().expect("not poisoned").clone()
    }

    fn mount_by_accessor(&self, accessor: &str) -> Option<MountSummary> {
        let mounts = self.mounts.lock().expect("not poisoned");
        mounts
            .iter()
            .find(|mount| mount.accessor == accessor)
            .cloned()
    }
}
