//! A server in memory inside this process: what dev mode and the demo run.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinHandle;
use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::{Core, Ports, Settings, WorkerThreads};
use vouchsafe_server::{Edge, Listener, Serving};
use vouchsafe_storage::{Barrier, Change, InMemory, Physical, RootKey};

use crate::ports::{SystemClock, SystemEntropy};

/// How often the server does what is due: rotations, expired tokens.
const TICK_INTERVAL: Duration = Duration::from_secs(15);

/// An initialised, unsealed server that keeps everything in memory.
pub(crate) struct Embedded {
    core: Arc<Core>,
    root_token: String,
    serving: Serving,
    duties: JoinHandle<()>,
    changes: JoinHandle<()>,
}

impl Embedded {
    /// Starts a server at `address`; port 0 takes a free one.
    pub(crate) async fn start(
        address: SocketAddr,
        root_token_id: Option<&str>,
    ) -> anyhow::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = WorkerThreads::start(threads).context("start worker threads")?;
        let ports = Ports {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            workers,
        };
        let physical: Arc<dyn Physical> = Arc::new(InMemory::new());
        let barrier = Arc::new(Barrier::new(
            physical,
            Arc::clone(&ports.entropy),
            Arc::clone(&ports.clock),
        ));
        let root_key = RootKey::generate(&*ports.entropy);
        barrier
            .initialize(&root_key)
            .await
            .context("initialise the barrier")?;
        let unsealed = barrier
            .unseal(&root_key)
            .await
            .context("unseal the barrier")?;

        let listener = Listener::bind(address)
            .await
            .with_context(|| format!("listen at {address}"))?;
        let entropy = Arc::clone(&ports.entropy);
        let core = Core::new(
            Arc::clone(&barrier),
            CATALOG,
            ports,
            Settings {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                storage_type: "inmem".to_owned(),
                api_address: format!("http://{}", listener.address()),
            },
        );
        let feed = barrier
            .subscribe(None)
            .await
            .context("follow the store's changes")?;
        core.start(&unsealed).await.context("start the core")?;
        let root_token = core
            .create_root_token(root_token_id)
            .await
            .context("make a root token")?;
        let changes = supervised("change feed", follow(Arc::downgrade(&core), feed));
        let duties = supervised("duties", tick(Arc::downgrade(&core)));
        let serving = listener.serve(Edge::new(Arc::clone(&core), entropy));
        Ok(Self {
            core,
            root_token,
            serving,
            duties,
            changes,
        })
    }

    /// The server's address for clients.
    pub(crate) fn address(&self) -> String {
        self.core.api_address()
    }

    /// The socket's address.
    pub(crate) const fn socket(&self) -> SocketAddr {
        self.serving.address()
    }

    /// The token that may do everything.
    pub(crate) fn root_token(&self) -> &str {
        &self.root_token
    }

    /// Opens the audit devices' files anew, after they were moved away.
    pub(crate) fn reopen_audit_files(&self) {
        self.core.reopen_audit_files();
    }

    /// Lets requests in flight finish, and ends.
    pub(crate) async fn stop(self) {
        self.duties.abort();
        self.changes.abort();
        self.serving.stop().await;
    }
}

/// Spawns a task whose end is logged, since none of them should end by itself.
fn supervised(
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the supervised spawner of the binary"
    )]
    tokio::spawn(async move {
        task.await;
        tracing::debug!(task = name, "a background task ended");
    })
}

async fn tick(core: Weak<Core>) {
    let mut interval = tokio::time::interval(TICK_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(core) = core.upgrade() else { return };
        core.tick().await;
    }
}

async fn follow(core: Weak<Core>, mut feed: Box<dyn vouchsafe_storage::ChangeFeed>) {
    loop {
        let change = feed.next().await;
        let Some(core) = core.upgrade() else { return };
        match change {
            Ok(Change::Committed(event)) => core.invalidate(&event.keys).await,
            Ok(Change::Lagged { .. }) => core.invalidate_all().await,
            Err(error) => {
                tracing::error!(%error, "the store's change feed broke");
                return;
            }
        }
    }
}

/// Waits for Ctrl-C or a polite request to end.
pub(crate) async fn asked_to_stop() {
    let mut terminate =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::warn!(%error, "SIGTERM can't be caught");
                drop(tokio::signal::ctrl_c().await);
                return;
            }
        };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
