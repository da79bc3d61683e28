//! The server's configuration files: HCL or JSON with Vault's stanzas (docs/configuration.md).
//!
//! `source.rs` reads files, `stanza.rs` takes keys out of them with their types and bounds,
//! `root.rs`, `listener.rs`, `audit.rs` and `telemetry.rs` know which keys there are. No file that the configuration names is
//! opened here.
//!
//! Invariants:
//! - Nothing is ignored silently: a key is honoured, harmless, or a fault that says why.
//! - All faults are found at once, each with file, line and column.
//! - A fault quotes values of keys that hold no secrets; no key of ours holds one.

mod audit;
mod fault;
mod iam;
mod listener;
mod root;
mod sanitized;
mod seal;
mod single;
mod source;
mod stanza;
mod telemetry;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vouchsafe_core::LeaseTtl;
use vouchsafe_core::audit::DeclaredDevice;
pub(crate) use vouchsafe_core::host::LogLevel;
use vouchsafe_core::metric::PrometheusFormat;
use vouchsafe_server::{Forwarding, MetricsAccess, Purpose, TlsFiles};
use vouchsafe_storage::Check;

pub(crate) use fault::Faults;
pub(crate) use iam::IamPath;
pub(crate) use sanitized::sanitized;
pub(crate) use seal::{NamedKey, SealStanza, SecretSource, TransitStanza};

/// The most listeners of one server.
pub(crate) const LISTENERS_MAX: usize = 16;

/// What the server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where everything is kept.
    pub(crate) storage: Storage,
    /// Who keeps the unseal key.
    pub(crate) seal: SealStanza,
    /// Where requests come in; at least one.
    pub(crate) listeners: Vec<ListenerConfig>,
    /// The server's address as clients reach it; made from the first listener if it isn't told.
    pub(crate) api_addr: Option<String>,
    /// What the log leaves out; the environment wins over it.
    pub(crate) log_level: LogLevel,
    /// How the log looks.
    pub(crate) log_format: LogFormat,
    /// Whether memory may be swapped out.
    pub(crate) disable_mlock: bool,
    /// Lifetimes of tokens and leases where no mount has its own.
    pub(crate) lease_ttl: LeaseTtl,
    /// Audit devices that the server makes where they are missing.
    pub(crate) audit_devices: Vec<DeclaredDevice>,
    /// The IAM file that is applied at the start.
    pub(crate) iam: Option<IamPath>,
    /// Whether metrics come in Prometheus' format.
    pub(crate) prometheus: PrometheusFormat,
}

/// A kind of storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// In memory: gone when the server ends.
    InMemory,
    /// In files below a folder.
    File {
        /// The folder.
        path: PathBuf,
        /// Whether a large store is read whole at each start, to check it.
        check: Check,
    },
}

impl Storage {
    /// The name in the configuration and in the seal status.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::InMemory => "inmem",
            Self::File { .. } => "file",
        }
    }
}

/// A `listener "tcp"` stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenerConfig {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// What it serves.
    pub(crate) purpose: Purpose,
    /// The largest body, in bytes.
    pub(crate) max_request_size: usize,
    /// How long a request may take.
    pub(crate) max_request_duration: Duration,
    /// Whose word on client addresses counts.
    pub(crate) forwarding: Forwarding,
    /// Who sees `sys/metrics` here.
    pub(crate) metrics: MetricsAccess,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Standard,
    /// A JSON object per line.
    Json,
}

/// Reads a configuration from files, and from the `*.hcl` and `*.json` files of folders, as one.
///
/// # Errors
/// All faults of all files, in the order of the text.
pub(crate) fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let sources = source::read(paths, &mut faults);
    // What is missing can't be told when a file is.
    if !faults.is_empty() {
        return Err(faults.in_order());
    }
    root::config(&sources, faults).map_err(Faults::in_order)
}
