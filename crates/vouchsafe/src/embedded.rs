//! A server in memory inside this process: what dev mode and the demo run.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::{Core, Settings};
use vouchsafe_server::{Edge, Listener, Serving};
use vouchsafe_storage::{Barrier, InMemory, Physical, RootKey};

use crate::background::Background;
use crate::ports;

/// An initialised, unsealed server that keeps everything in memory.
pub(crate) struct Embedded {
    core: Arc<Core>,
    root_token: String,
    serving: Serving,
    background: Background,
}

impl Embedded {
    /// Starts a server at `address`; port 0 takes a free one.
    pub(crate) async fn start(
        address: SocketAddr,
        root_token_id: Option<&str>,
    ) -> anyhow::Result<Self> {
        let ports = ports::of_system()?;
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
        let background = Background::start(&core, feed);
        let serving = listener.serve(Edge::new(Arc::clone(&core), entropy));
        Ok(Self {
            core,
            root_token,
            serving,
            background,
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
        self.serving.stop().await;
        self.background.stop();
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
