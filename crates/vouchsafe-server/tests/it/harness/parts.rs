//! What a core stands on: clock, dice, storage, threads and catalog.

use std::sync::{Arc, LazyLock};

use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::{Core, Ports, Settings, WorkerThreads};
use vouchsafe_logical::metric::Metrics;
use vouchsafe_logical::{BackendKind, Batch, Catalog, Entropy};
use vouchsafe_storage::{Barrier, Physical, RootKey};
use vouchsafe_testing::{FakeFetcher, ManualClock, SeededEntropy};

use super::counted::Counted;
use super::host::host;
use super::probe;

/// What can be mounted in tests: everything that the product has, and the probes.
pub(crate) static TEST_CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let probes: [&'static BackendKind; 2] = [&probe::ENGINE, &probe::METHOD];
    let kinds: Vec<&'static BackendKind> = CATALOG.iter().copied().chain(probes).collect();
    Box::leak(kinds.into_boxed_slice())
});

/// Threads for password hashing and the like; they outlive every test.
static WORKERS: LazyLock<Arc<WorkerThreads>> =
    LazyLock::new(|| WorkerThreads::start(2).expect("the system gives threads"));

/// What a core stands on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) clock: Arc<ManualClock>,
    pub(super) entropy: Arc<SeededEntropy>,
    /// The servers of others.
    pub(crate) fetcher: Arc<FakeFetcher>,
    /// What was counted.
    pub(crate) metrics: Arc<Metrics>,
    pub(super) physical: Arc<Counted>,
    /// What the configuration decides; version, storage and address are always the same.
    pub(super) settings: Settings,
    root_key: [u8; 32],
}

impl Parts {
    pub(super) fn fresh(unix_seconds: i64) -> Self {
        let entropy = Arc::new(SeededEntropy::default());
        let mut root_key = [0; 32];
        entropy.fill(&mut root_key);
        Self {
            clock: Arc::new(ManualClock::at(unix_seconds)),
            entropy,
            fetcher: Arc::default(),
            metrics: Arc::default(),
            physical: Arc::new(Counted::new()),
            settings: Settings::default(),
            root_key,
        }
    }

    pub(super) fn key(&self) -> RootKey {
        RootKey::try_from(&self.root_key[..]).expect("32 bytes")
    }

    pub(super) fn core(&self) -> (Arc<Core>, Arc<Barrier>) {
        let ports = Ports {
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::clone(&self.entropy) as _,
            fetcher: Arc::clone(&self.fetcher) as _,
            metrics: Arc::clone(&self.metrics),
            workers: Arc::clone(&*WORKERS) as _,
            publications: Arc::default(),
        };
        let store = Arc::clone(&self.physical) as Arc<dyn Physical>;
        let barrier = Arc::new(Barrier::new(
            store,
            Arc::clone(&ports.entropy),
            Arc::clone(&ports.clock),
        ));
        let settings = Settings {
            version: "0.0.0-test".to_owned(),
            storage_type: "inmem".to_owned(),
            api_address: "https://vouchsafe.example".to_owned(),
            ..self.settings.clone()
        };
        let core = Core::new(Arc::clone(&barrier), *TEST_CATALOG, ports, settings);
        core.use_host(host());
        (core, barrier)
    }

    /// The same with a store of its own, which holds what this one holds now.
    pub(super) async fn copy(&self) -> Self {
        let mut batch = Batch::default();
        let mut after: Option<String> = None;
        loop {
            let store = &self.physical;
            let page = store
                .list("", after.as_deref(), usize::MAX)
                .await
                .expect("listed");
            let Some(last) = page.last().cloned() else {
                break;
            };
            for key in page {
                let record = store.get(&key).await.expect("read").expect("still there");
                batch.writes.insert(key, Some(record.value));
            }
            after = Some(last);
        }
        let physical = Arc::new(Counted::new());
        physical.commit(batch).await.expect("copied");
        Self {
            physical,
            ..self.clone()
        }
    }
}
