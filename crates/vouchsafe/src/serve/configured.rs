//! A server from configuration files. It starts sealed.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use vouchsafe_backends::catalog::CATALOG;
use vouchsafe_core::{Core, IamFile, Settings};
use vouchsafe_server::{Edge, Limits, Listener, Purpose, Serving, Tls, TlsVersion};
use vouchsafe_storage::{Barrier, FilePhysical, InMemory, Physical};

use super::{Running, host, iam, log, process, run_until_stopped, seal, tell};
use crate::background::Background;
use crate::config::{Config, ListenerConfig, Storage, sanitized};
use crate::ports;

/// Checks the files that a valid configuration names, without touching storage or sockets.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    for listener in &config.listeners {
        tls(listener)?;
    }
    iam_file(config)?;
    seal::check(&config.seal)
}

/// Runs the server until it is told to stop.
pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let log = log::start(config.log_level, config.log_format);
    process::forbid_core_dumps();
    if !config.disable_mlock {
        process::lock_memory();
    }
    run_until_stopped(async || {
        let server = Server::start(config).await?;
        server.core.use_host(host(log, sanitized(config)));
        tell(|out| server.announce(config, out));
        Ok(server)
    })
}

fn iam_file(config: &Config) -> anyhow::Result<Option<IamFile>> {
    config.iam.as_ref().map(iam::file).transpose()
}

/// A server that listens.
struct Server {
    core: Arc<Core>,
    listening: Vec<Listening>,
    background: Background,
}

/// One of its listeners.
struct Listening {
    serving: Serving,
    purpose: Purpose,
    tls: Option<Arc<Tls>>,
}

impl Server {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        // What can fail without a trace comes first: files, then sockets, then storage.
        let mut bound = Vec::with_capacity(config.listeners.len());
        for listener in &config.listeners {
            let tls = tls(listener)?.map(Arc::new);
            let address = listener.address;
            let socket = Listener::bind(address)
                .await
                .with_context(|| format!("listen at {address}"))?;
            bound.push((listener, socket, tls));
        }
        let iam_file = iam_file(config)?;
        let ports = ports::of_system()?;
        let entropy = Arc::clone(&ports.entropy);
        let auto_seal = seal::open(&config.seal, &ports)?;
        let barrier = Arc::new(Barrier::new(
            open(&config.storage)?,
            Arc::clone(&ports.entropy),
            Arc::clone(&ports.clock),
        ));
        let first = bound
            .iter()
            .find(|(listener, _, _)| listener.purpose == Purpose::Api)
            .map(|(listener, socket, _)| (*listener, socket.address()));
        let settings = Settings {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            storage_type: config.storage.name().to_owned(),
            api_address: api_address(config.api_addr.as_deref(), first),
            lease_ttl: config.lease_ttl,
            audit_devices: config.audit_devices.clone(),
            prometheus: config.prometheus,
        };
        let core = Core::new(Arc::clone(&barrier), CATALOG, ports, settings);
        iam::tell(&core, iam_file)?;
        if let Some(seal) = auto_seal {
            core.use_auto_seal(seal);
        }
        core.check_seal().await.context("the seal")?;
        let feed = barrier
            .subscribe(None)
            .await
            .context("follow the store's changes")?;
        let background = Background::start(&core, feed);
        // One edge, so that all listeners share what its clones share.
        let edge = Edge::new(Arc::clone(&core), entropy);
        let mut listening = Vec::with_capacity(bound.len());
        for (listener, mut socket, tls) in bound {
            let limits = Limits {
                body_bytes: listener.max_request_size,
                request_timeout: listener.max_request_duration,
                ..Limits::default()
            };
            let edge = edge
                .clone()
                .with_limits(limits)
                .with_metrics(listener.metrics)
                .with_purpose(listener.purpose);
            socket = socket.with_forwarding(listener.forwarding.clone());
            if let Some(tls) = &tls {
                socket = socket.with_tls(Arc::clone(tls));
            }
            let serving = socket.serve(edge);
            listening.push(Listening {
                serving,
                purpose: listener.purpose,
                tls,
            });
        }
        Ok(Self {
            core,
            listening,
            background,
        })
    }

    fn announce(&self, config: &Config, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "==> Vouchsafe server configuration:\n")?;
        writeln!(out, "             Api Address: {}", self.core.api_address())?;
        for (number, listening) in self.listening.iter().enumerate() {
            let address = listening.serving.address();
            let tls = match &listening.tls {
                None => "disabled",
                Some(tls) if tls.files().min_version == TlsVersion::V1_3 => "tls13",
                Some(_) => "tls12",
            };
            let purpose = match listening.purpose {
                Purpose::Api => "",
                Purpose::Publish => ", purpose: \"publish\"",
            };
            let number = number + 1;
            writeln!(
                out,
                "{:>23}: tcp (addr: \"{address}\", tls: \"{tls}\"{purpose})",
                format!("Listener {number}")
            )?;
        }
        writeln!(out, "                 Storage: {}", config.storage.name())?;
        writeln!(
            out,
            "                 Version: Vouchsafe v{}\n",
            env!("CARGO_PKG_VERSION")
        )?;
        writeln!(
            out,
            "==> Vouchsafe server started! Log data will stream in below:\n"
        )
    }
}

impl Running for Server {
    fn reload(&self) {
        for listening in &self.listening {
            let Some(tls) = &listening.tls else { continue };
            let address = listening.serving.address();
            match tls.reload() {
                Ok(()) => tracing::info!(%address, "the certificate was read anew"),
                Err(error) => {
                    tracing::error!(%address, %error, "the certificate stays as it was");
                }
            }
        }
        self.core.reopen_audit_files();
    }

    async fn stop(self) {
        let mut draining = tokio::task::JoinSet::new();
        for listening in self.listening {
            draining.spawn(listening.serving.stop());
        }
        draining.join_all().await;
        // Last, since requests in flight may wait for what it does.
        self.background.stop();
    }
}

fn tls(listener: &ListenerConfig) -> anyhow::Result<Option<Tls>> {
    let Some(files) = &listener.tls else {
        return Ok(None);
    };
    let tls = Tls::load(files.clone());
    tls.map(Some)
        .with_context(|| format!("the listener at {}", listener.address))
}

fn open(storage: &Storage) -> anyhow::Result<Arc<dyn Physical>> {
    match storage {
        Storage::InMemory => Ok(Arc::new(InMemory::new())),
        Storage::File { path, check } => {
            let opened = FilePhysical::open_with(path, *check)
                .with_context(|| format!("open the storage in `{}`", path.display()))?;
            Ok(Arc::new(opened))
        }
    }
}

/// The address as configured, else that of the first listener.
fn api_address(configured: Option<&str>, first: Option<(&ListenerConfig, SocketAddr)>) -> String {
    if let Some(address) = configured {
        return address.to_owned();
    }
    let Some((listener, mut address)) = first else {
        return String::new();
    };
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
        tracing::warn!(
            %address,
            "`api_addr` is not set, and no listener's address is one that other machines know"
        );
    }
    let scheme = if listener.tls.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://{address}")
}
