//! The server without HTTP: what the composition root makes and the edge calls.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Mutex;
use vouchsafe_logical::metric::Metrics;
use vouchsafe_logical::{
    Attempts, Catalog, EntropyExt, Error, PolicyName, Publications, Request, Store, Timestamp, View,
};
use vouchsafe_storage::seal::AutoSeal;
use vouchsafe_storage::{Barrier, Unsealed};

use crate::audit::DeclaredDevice;
use crate::host::Host;
use crate::iam::IamSettings;
use crate::in_flight::{Entered, InFlight};
use crate::metric::{PrometheusFormat, UNSEALED};
use crate::mount::LeaseTtl;
use crate::ports::Ports;
use crate::runtime::{Given, Runtime};
use crate::seal::Keepers;
use crate::token::{TokenEntry, TokenStore, TokenType};

/// How many batches of ended tokens one tick removes: some two thousand tokens, which take a
/// fraction of a second.
const SWEEPS_PER_TICK: usize = 4;

/// Whether there is more to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Not before the next tick.
    Nothing,
    /// There may be.
    More,
}

/// Facts that the composition root decides.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The version that health and seal-status show.
    pub version: String,
    /// The kind of storage that seal-status shows.
    pub storage_type: String,
    /// The server's address as clients reach it; may be empty.
    pub api_address: String,
    /// Lifetimes of tokens and leases where no mount has its own.
    pub lease_ttl: LeaseTtl,
    /// Audit devices that the configuration declares.
    pub audit_devices: Vec<DeclaredDevice>,
    /// Whether `sys/metrics` speaks Prometheus' format.
    pub prometheus: PrometheusFormat,
}

/// The core.
pub struct Core {
    pub(crate) settings: Settings,
    pub(crate) barrier: Arc<Barrier>,
    pub(crate) ports: Ports,
    catalog: Catalog,
    api_address: Arc<ArcSwap<String>>,
    iam: Arc<IamSettings>,
    runtime: ArcSwapOption<Runtime>,
    pub(crate) cluster: ArcSwapOption<Cluster>,
    pub(crate) keepers: Mutex<Keepers>,
    /// Who keeps the unseal key, if it is not people.
    pub(crate) auto_seal: OnceLock<Arc<dyn AutoSeal>>,
    /// Requests that have begun.
    pub(crate) in_flight: Arc<InFlight>,
    /// The process and its machine.
    pub(crate) host: OnceLock<Host>,
    /// Somebody has sealed this node on purpose.
    pub(crate) stays_sealed: AtomicBool,
    /// What backends of the core's own hold, so that they don't keep it alive.
    this: Weak<Self>,
}

/// Name and id of the cluster, known while unsealed.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) id: String,
}

impl Core {
    /// A sealed core over a barrier.
    #[must_use]
    pub fn new(
        barrier: Arc<Barrier>,
        catalog: Catalog,
        ports: Ports,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            keepers: Mutex::default(),
            auto_seal: OnceLock::new(),
            in_flight: Arc::default(),
            host: OnceLock::new(),
            stays_sealed: AtomicBool::new(false),
            api_address: Arc::new(ArcSwap::from_pointee(settings.api_address.clone())),
            iam: Arc::default(),
            settings,
            barrier,
            ports,
            catalog,
            runtime: ArcSwapOption::empty(),
            cluster: ArcSwapOption::empty(),
        })
    }

    /// Starts serving from an unsealed barrier.
    ///
    /// # Errors
    /// As `Runtime::open`.
    pub async fn start(&self, _evidence: &Unsealed) -> Result<(), Error> {
        let store: Arc<dyn Store> = Arc::clone(&self.barrier) as Arc<dyn Store>;
        let root = View::new(store, "");
        let cluster = self.ensure_cluster(&root).await?;
        let now = self.ports.clock.now();
        crate::sys::version_history::note(&root, &self.settings.version, now).await?;
        let core = Weak::clone(&self.this);
        let given = Given {
            catalog: self.catalog,
            ports: self.ports.clone(),
            api_address: Arc::clone(&self.api_address),
            iam: Arc::clone(&self.iam),
            settings: &self.settings,
        };
        let runtime =
            Runtime::open(root, given, |mounts| crate::sys::provide(mounts, &core)).await?;
        runtime.mounts.refresh().await;
        runtime.iam.apply_at_start().await?;
        self.cluster.store(Some(Arc::new(cluster)));
        self.runtime.store(Some(Arc::new(runtime)));
        self.ports.metrics.set(&UNSEALED, [], 1);
        Ok(())
    }

    /// What exists while unsealed.
    #[must_use]
    pub(crate) fn runtime(&self) -> Option<Arc<Runtime>> {
        self.runtime.load_full()
    }

    /// Stops serving. Requests in flight keep what they hold until they end.
    pub(crate) fn stop(&self) {
        self.ports.metrics.set(&UNSEALED, [], 0);
        self.runtime.store(None);
        self.cluster.store(None);
    }

    /// What is published for everybody, sealed or not.
    #[must_use]
    pub fn publications(&self) -> &Publications {
        &self.ports.publications
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Sets the address that clients reach the server at, once a listener knows its port.
    pub fn set_api_address(&self, address: &str) {
        self.api_address.store(Arc::new(address.to_owned()));
    }

    /// Shows a request to who asks for those that are on their way, until what is returned is dropped.
    #[must_use]
    pub fn enter(&self, request: &Arc<Request>) -> Entered {
        self.in_flight.enter(request, self.now())
    }

    /// Tells the core of its process and machine, once. Before, it knows of no logger and no fact.
    pub fn use_host(&self, host: Host) {
        // A second one would be a second process.
        drop(self.host.set(host));
    }

    /// What the composition root knows of IAM. To be set before the first unsealing.
    #[must_use]
    pub fn iam(&self) -> &IamSettings {
        &self.iam
    }

    /// The address that clients reach the server at.
    #[must_use]
    pub fn api_address(&self) -> String {
        self.api_address.load().as_str().to_owned()
    }

    /// Everything that this server counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.ports.metrics
    }

    /// Makes a root token, with a chosen id in dev mode.
    ///
    /// # Errors
    /// Sealed; the id is taken; the store's.
    pub async fn create_root_token(&self, chosen_id: Option<&str>) -> Result<String, Error> {
        let runtime = self.runtime().ok_or_else(Error::sealed)?;
        let now = self.ports.clock.now();
        let entropy = &*self.ports.entropy;
        let entry = root_entry(TokenStore::new_accessor(entropy), now);
        let mut transaction = runtime.root.begin();
        let token = runtime
            .tokens
            .issue(&mut transaction, &entry, chosen_id, entropy)
            .await?;
        transaction.commit().await?;
        Ok(token)
    }

    /// Revokes a token with everything that it made. One that there is not is fine.
    ///
    /// # Errors
    /// Sealed; the store's.
    pub async fn revoke_token(&self, token: &str) -> Result<(), Error> {
        let runtime = self.runtime().ok_or_else(Error::sealed)?;
        runtime.tokens.revoke(&runtime.tokens.hash(token)).await?;
        Ok(())
    }

    /// Does what is due: rotations, expired tokens. Called a few times a minute. Where it answers
    /// [`Due::More`], [`Core::sweep`] is to be called until that has no more.
    pub async fn tick(&self) -> Due {
        let Some(runtime) = self.runtime() else {
            return Due::Nothing;
        };
        self.rotate_key_when_due(&runtime).await;
        self.reencrypt().await;
        runtime.mounts.tick().await;
        self.sweep().await
    }

    /// Removes tokens that ended: a bounded number, so that the other duties never wait for millions
    /// that ended together.
    pub async fn sweep(&self) -> Due {
        let Some(runtime) = self.runtime() else {
            return Due::Nothing;
        };
        for _ in 0..SWEEPS_PER_TICK {
            match runtime.tokens.sweep(self.ports.clock.now()).await {
                Ok(swept) if swept.due == Due::More => {}
                Ok(_) => return Due::Nothing,
                Err(error) => {
                    tracing::warn!(reason = error.reason(), "sweep of expired tokens failed");
                    return Due::Nothing;
                }
            }
        }
        Due::More
    }

    /// Goes to other servers for what is due there. Called as often as [`Core::tick`], and not waited
    /// for by it.
    pub async fn run_errands(&self) {
        let Some(runtime) = self.runtime() else {
            return;
        };
        self.tend_seal().await;
        let Ports { fetcher, clock, .. } = &runtime.ports;
        runtime.iam.refresh_keys(&**fetcher, &**clock).await;
        runtime.mounts.run_errands().await;
    }

    /// Opens the audit devices' files anew, after they were moved away. Sealed, there are none.
    pub fn reopen_audit_files(&self) {
        if let Some(runtime) = self.runtime() {
            runtime.audit.reopen();
        }
    }

    /// Some node wrote these keys: mounts and backends drop what they made from them.
    pub async fn invalidate(&self, keys: &[String]) {
        let Some(runtime) = self.runtime() else {
            return;
        };
        if keys.iter().any(|key| key == crate::mount::TABLE_KEY)
            && let Err(error) = runtime.mounts.reload().await
        {
            tracing::error!(reason = error.reason(), "the mount table can't be read");
        }
        runtime.audit.invalidate(keys).await;
        runtime.cors.invalidate(keys).await;
        runtime.key_rotation.invalidate(keys).await;
        runtime.quotas.invalidate(keys).await;
        runtime.mounts.invalidate(keys).await;
    }

    /// The feed of changes has a gap: everything that was made from storage is dropped.
    pub async fn invalidate_all(&self) {
        let Some(runtime) = self.runtime() else {
            return;
        };
        if let Err(error) = runtime.mounts.reload().await {
            tracing::error!(reason = error.reason(), "the mount table can't be read");
        }
        runtime.audit.invalidate_all().await;
        runtime.cors.invalidate_all().await;
        runtime.key_rotation.invalidate_all().await;
        runtime.quotas.invalidate_all().await;
        runtime.mounts.invalidate_all().await;
    }

    async fn ensure_cluster(&self, root: &View) -> Result<Cluster, Error> {
        const KEY: &str = "core/cluster";
        let entropy = &*self.ports.entropy;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = root.begin();
            if let Some(cluster) = transaction.read(root, KEY).await? {
                return Ok(cluster);
            }
            let cluster = Cluster {
                name: format!("vouchsafe-cluster-{}", entropy.hex(8)),
                id: entropy.uuid(),
            };
            transaction.put_record(root, KEY, &cluster)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(cluster);
            }
        }
    }
}

fn root_entry(accessor: String, now: Timestamp) -> TokenEntry {
    TokenEntry {
        accessor,
        display_name: "root".to_owned(),
        path: "auth/token/root".to_owned(),
        policies: [PolicyName::root()].into_iter().collect(),
        meta: None,
        token_type: TokenType::Service,
        entity_id: None,
        login: None,
        parent: None,
        role: None,
        created_at: now,
        creation_ttl: std::time::Duration::ZERO,
        expire_at: None,
        last_renewed_at: None,
        explicit_max_ttl: std::time::Duration::ZERO,
        max_ttl: std::time::Duration::ZERO,
        period: std::time::Duration::ZERO,
        renewable: false,
        num_uses: 0,
        spent: false,
        bound_cidrs: Vec::new(),
        claims: None,
        internal: serde_json::Value::Null,
        mount_accessor: None,
        initial_root: true,
    }
}
