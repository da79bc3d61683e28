//! The table in memory: which backend is open at which path.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwap;
use vouchsafe_logical::metric::Metrics;
use vouchsafe_logical::{
    Attempts, Backend, BoxFuture, Catalog, Clock, Entropy, Error, Fetch, MountClass, MountSummary,
    Publications, Settings, System, View, Workers,
};

use super::entry::{LeaseTtl, MountEntry, StoredClass};
use crate::caught::caught;
use crate::ports::Ports;

/// Where the table is stored: one record, so that conflicts between paths are seen by its version.
pub(crate) const TABLE_KEY: &str = "core/mounts";

/// A mount that is open.
pub struct Mount {
    entry: MountEntry,
    summary: MountSummary,
    locks_out: bool,
    backend: Arc<dyn Backend>,
}

impl Mount {
    /// As stored.
    #[must_use]
    pub const fn entry(&self) -> &MountEntry {
        &self.entry
    }

    /// As others may know it.
    #[must_use]
    pub const fn summary(&self) -> &MountSummary {
        &self.summary
    }

    /// Whether failed logins lock the principal out.
    #[must_use]
    pub const fn locks_out(&self) -> bool {
        self.locks_out
    }

    /// The backend. Private to the mount modules: requests reach it through `Target::dispatch`.
    pub(super) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// The backend's routes, for help and documents.
    #[must_use]
    pub fn routes(
        &self,
    ) -> Vec<(
        vouchsafe_logical::backend::RouteInfo,
        Vec<vouchsafe_logical::backend::MethodInfo>,
    )> {
        self.backend.routes()
    }

    /// Asks the auth method what a token of its login may have now.
    pub fn renew<'a>(
        &'a self,
        internal: &'a serde_json::Value,
    ) -> vouchsafe_logical::backend::Renewal<'a> {
        self.backend.renew(internal)
    }
}

/// All open mounts by path.
#[derive(Default, Clone)]
pub struct MountTable {
    by_path: BTreeMap<String, Arc<Mount>>,
    by_accessor: BTreeMap<String, Arc<Mount>>,
}

impl MountTable {
    fn new(mounts: impl IntoIterator<Item = Arc<Mount>>) -> Self {
        let mut table = Self::default();
        for mount in mounts {
            table
                .by_accessor
                .insert(mount.entry.accessor.clone(), Arc::clone(&mount));
            table.by_path.insert(mount.entry.path.clone(), mount);
        }
        table
    }

    /// The mount that a path belongs to. `auth/userpass` (without the slash) belongs to none.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Arc<Mount>> {
        // No mount's path is a prefix of another's: the greatest one below is the only candidate.
        let (mount_path, mount) = self
            .by_path
            .range::<str, _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(path)))
            .next_back()?;
        path.starts_with(mount_path.as_str())
            .then(|| Arc::clone(mount))
    }

    /// The mount at exactly this path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Arc<Mount>> {
        self.by_path.get(path)
    }

    /// The mount with this accessor.
    #[must_use]
    pub fn by_accessor(&self, accessor: &str) -> Option<&Arc<Mount>> {
        self.by_accessor.get(accessor)
    }

    /// All mounts in order of path.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Mount>> {
        self.by_path.values()
    }
}

/// The mounts of a running core.
pub struct Mounts {
    table: ArcSwap<MountTable>,
    pub(super) view: View,
    pub(super) catalog: Catalog,
    pub(super) ports: Ports,
    system: Arc<CoreSystem>,
    /// Lifetimes where a mount has none of its own.
    pub(crate) lease_ttl: LeaseTtl,
    /// Changes in this node happen one after the other; between nodes the record's version decides.
    pub(super) changing: tokio::sync::Mutex<()>,
    built_in: Mutex<BTreeMap<String, Arc<dyn Backend>>>,
}

impl Mounts {
    /// An empty table over the root view of storage.
    #[must_use]
    pub fn new(
        view: View,
        catalog: Catalog,
        ports: Ports,
        api_address: Arc<ArcSwap<String>>,
        lease_ttl: LeaseTtl,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            table: ArcSwap::default(),
            view,
            catalog,
            ports: ports.clone(),
            system: Arc::new(CoreSystem {
                ports,
                mounts: Weak::clone(this),
                api_address,
            }),
            lease_ttl,
            changing: tokio::sync::Mutex::new(()),
            built_in: Mutex::new(BTreeMap::new()),
        })
    }

    /// The table as it is now.
    #[must_use]
    pub fn table(&self) -> arc_swap::Guard<Arc<MountTable>> {
        self.table.load()
    }

    /// Gives the core's own backend for a kind that is not in the catalog (`system`, `token`).
    pub fn provide(&self, kind: &str, backend: Arc<dyn Backend>) {
        if let Ok(mut built_in) = self.built_in.lock() {
            built_in.insert(kind.to_owned(), backend);
        }
    }

    /// Reads the stored table and opens what is not open yet.
    ///
    /// # Errors
    /// The store's, or a stored kind that this build does not have.
    pub async fn reload(&self) -> Result<(), Error> {
        // Else a table that was read before a change could replace the one that came of it.
        let _one_at_a_time = self.changing.lock().await;
        self.open_stored().await
    }

    async fn open_stored(&self) -> Result<(), Error> {
        let entries: Vec<MountEntry> = self.view.read(TABLE_KEY).await?.unwrap_or_default();
        let open = self.table.load_full();
        let mut mounts = Vec::with_capacity(entries.len());
        for entry in entries {
            let same = open.by_accessor(&entry.accessor);
            let backend = match same {
                Some(mount) if mount.entry.options == entry.options => Arc::clone(&mount.backend),
                _ => self.open(&entry)?,
            };
            let locks_out = self.kind(&entry).is_some_and(|kind| kind.locks_out);
            mounts.push(Arc::new(Mount {
                summary: entry.summary(self.lease_ttl),
                entry,
                locks_out,
                backend,
            }));
        }
        self.table.store(Arc::new(MountTable::new(mounts)));
        Ok(())
    }

    /// Runs a change of the stored table in a transaction, then opens and closes accordingly.
    ///
    /// # Errors
    /// Those of `change`; a conflict with other nodes after many tries.
    pub(super) async fn change<T>(
        &self,
        mut change: impl FnMut(&mut Vec<MountEntry>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _one_at_a_time = self.changing.lock().await;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let mut entries: Vec<MountEntry> = transaction
                .read(&self.view, TABLE_KEY)
                .await?
                .unwrap_or_default();
            let answer = change(&mut entries)?;
            entries.sort_by(|a, b| a.path.cmp(&b.path));
            transaction.put_record(&self.view, TABLE_KEY, &entries)?;
            if attempts.commit(transaction).await?.is_done() {
                self.open_stored().await?;
                return Ok(answer);
            }
        }
    }

    pub(super) fn kind(
        &self,
        entry: &MountEntry,
    ) -> Option<&'static vouchsafe_logical::BackendKind> {
        self.named(&entry.kind, MountClass::from(entry.class))
    }

    /// The kind of this name in a class.
    pub(super) fn named(
        &self,
        name: &str,
        class: MountClass,
    ) -> Option<&'static vouchsafe_logical::BackendKind> {
        self.catalog
            .iter()
            .copied()
            .find(|kind| kind.name == name && kind.class == class)
    }

    fn open(&self, entry: &MountEntry) -> Result<Arc<dyn Backend>, Error> {
        if let Ok(built_in) = self.built_in.lock()
            && let Some(backend) = built_in.get(&entry.kind)
        {
            return Ok(Arc::clone(backend));
        }
        let Some(kind) = self.kind(entry) else {
            return Err(Error::internal(format!(
                "mount `{}` is of the kind `{}`, which this build does not have",
                entry.path, entry.kind
            )));
        };
        Ok((kind.open)(Settings {
            view: self.storage_of(entry),
            accessor: entry.accessor.clone(),
            options: entry.options.clone(),
            system: Arc::clone(&self.system) as Arc<dyn System>,
        }))
    }

    /// The slice of storage that belongs to a mount. It follows the uuid, not the path.
    #[must_use]
    pub fn storage_of(&self, entry: &MountEntry) -> View {
        let class = match entry.class {
            StoredClass::Auth => "auth",
            StoredClass::Secret => "logical",
        };
        self.view.sub(&format!("{class}/{}/", entry.uuid))
    }

    /// Tells the backends which keys some node wrote.
    pub async fn invalidate(&self, keys: &[String]) {
        let table = self.table.load_full();
        for mount in table.iter() {
            let prefix = self.storage_of(&mount.entry).full("");
            let mut is_told = false;
            for key in keys {
                if let Some(relative) = key.strip_prefix(&prefix) {
                    mount.backend.invalidate(relative);
                    is_told = true;
                }
            }
            if is_told {
                refresh(mount).await;
            }
        }
    }

    /// Tells every backend to drop whatever it made from storage (the empty key).
    pub async fn invalidate_all(&self) {
        let table = self.table.load_full();
        for mount in table.iter() {
            mount.backend.invalidate("");
            refresh(mount).await;
        }
    }

    /// Lets each backend bring up to date what it serves without asking storage.
    pub async fn refresh(&self) {
        let table = self.table.load_full();
        for mount in table.iter() {
            refresh(mount).await;
        }
    }

    /// Lets each backend do what is due. One that fails is logged and does not stop the others.
    pub async fn tick(&self) {
        let table = self.table.load_full();
        for mount in table.iter() {
            let failed = "a mount's duty failed and will be tried again";
            undertake(mount, mount.backend.tick(), failed).await;
        }
    }

    /// Lets each backend go to other servers. One that fails is logged and does not stop the others.
    pub async fn run_errands(&self) {
        let table = self.table.load_full();
        for mount in table.iter() {
            let failed = "a mount's errand failed and will be tried again";
            undertake(mount, mount.backend.errand(), failed).await;
        }
    }

    /// What backends may ask.
    #[must_use]
    pub fn system(&self) -> Arc<dyn System> {
        Arc::clone(&self.system) as Arc<dyn System>
    }
}

/// Lets a backend bring up to date what it serves without asking storage. A failure is logged: what
/// was served before is served on, and the backend's tick tries again.
async fn refresh(mount: &Mount) {
    let failed = "what a mount serves is not up to date; it will be tried again";
    undertake(mount, mount.backend.refresh(), failed).await;
}

/// Does what nobody asked for and nobody waits for: a failure is logged, in these words.
async fn undertake(mount: &Mount, work: BoxFuture<'_, Result<(), Error>>, failed: &'static str) {
    if let Err(error) = caught(work).await.and_then(|done| done) {
        tracing::warn!(
            mount = %mount.entry.path,
            reason = error.reason(),
            detail = error.detail().map(vouchsafe_logical::error::Detail::for_operator),
            "{failed}"
        );
    }
}

/// The core as backends see it.
struct CoreSystem {
    ports: Ports,
    mounts: Weak<Mounts>,
    api_address: Arc<ArcSwap<String>>,
}

impl System for CoreSystem {
    fn clock(&self) -> &dyn Clock {
        &*self.ports.clock
    }

    fn entropy(&self) -> &dyn Entropy {
        &*self.ports.entropy
    }

    fn fetcher(&self) -> &dyn Fetch {
        &*self.ports.fetcher
    }

    fn metrics(&self) -> &Metrics {
        &self.ports.metrics
    }

    fn workers(&self) -> &dyn Workers {
        &*self.ports.workers
    }

    fn publications(&self) -> &Publications {
        &self.ports.publications
    }

    fn api_address(&self) -> String {
        self.api_address.load().as_str().to_owned()
    }

    fn mount_by_accessor(&self, accessor: &str) -> Option<MountSummary> {
        let mounts = self.mounts.upgrade()?;
        let table = mounts.table.load();
        table
            .by_accessor(accessor)
            .map(|mount| mount.summary().clone())
    }
}
