//! A server in memory inside this process: what dev mode and the demo run.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::host::Host;
use vouchsafe_core::{Core, Settings};
use vouchsafe_logical::{Operation, Request, RequestPath, Secret};
use vouchsafe_server::{Edge, Listener, Serving};
use vouchsafe_storage::seal::Share;
use vouchsafe_storage::{Barrier, InMemory, Physical, SealConfig};

use crate::background::Background;
use crate::ports;

/// An initialised, unsealed server that keeps everything in memory.
pub(crate) struct Embedded {
    core: Arc<Core>,
    unseal_key: Share,
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
                ..Settings::default()
            },
        );
        crate::serve::iam::tell(&core, None)?;
        let feed = barrier
            .subscribe(None)
            .await
            .context("follow the store's changes")?;
        let (unseal_key, root_token) = open(&core, &barrier, root_token_id).await?;
        mount_secrets(&core, &root_token).await?;
        let background = Background::start(&core, feed);
        let serving = listener.serve(Edge::new(Arc::clone(&core), entropy));
        Ok(Self {
            core,
            unseal_key,
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

    /// The key that unseals the server after it was sealed.
    pub(crate) const fn unseal_key(&self) -> &Share {
        &self.unseal_key
    }

    /// Tells the core of its process and machine.
    pub(crate) fn use_host(&self, host: Host) {
        self.core.use_host(host);
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

/// Initialises and unseals a server over an empty store, as its one keeper. Returns the unseal key
/// and the root token.
async fn open(
    core: &Core,
    barrier: &Barrier,
    root_token_id: Option<&str>,
) -> anyhow::Result<(Share, String)> {
    let alone = SealConfig {
        shares: 1,
        threshold: 1,
    };
    let made = core
        .initialize_with(alone)
        .await
        .context("initialise the server")?;
    let unseal_key = made.shares.into_iter().next().context("an unseal key")?;
    let record = barrier.seal_record().await.context("read the seal")?;
    let root_key = record
        .context("find the seal")?
        .open(unseal_key.expose())
        .context("open the seal")?;
    core.unseal_with(&root_key)
        .await
        .context("unseal the server")?;
    let Some(id) = root_token_id else {
        return Ok((unseal_key, made.root_token));
    };
    let chosen = core
        .create_root_token(Some(id))
        .await
        .context("make a root token")?;
    core.revoke_token(&made.root_token)
        .await
        .context("revoke the first root token")?;
    Ok((unseal_key, chosen))
}

/// Mounts the key-value engine that people expect of a server in dev mode at `secret/`.
async fn mount_secrets(core: &Core, root_token: &str) -> anyhow::Result<()> {
    let body = serde_json::json!({
        "type": "kv",
        "description": "key/value secret storage",
        "options": { "version": "2" },
    });
    let data = body.as_object().cloned().unwrap_or_default();
    let request = Request {
        id: "dev-mode".to_owned(),
        operation: Operation::Update,
        path: RequestPath::parse("sys/mounts/secret").context("a path")?,
        data,
        token: Some(Secret::new(root_token.to_owned())),
        remote: None,
        login: None,
        wrap_ttl: None,
        headers: Vec::new(),
    };
    let outcome = core.handle(&request).await;
    outcome.result.context("mount `secret/`")?;
    Ok(())
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
