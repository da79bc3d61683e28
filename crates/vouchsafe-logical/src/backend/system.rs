//! What a backend is given: its slice of storage, and what it may ask of the core.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Entropy};
use crate::error::Error;
use crate::fetch::Fetch;
use crate::metric::Metrics;
use crate::publication::Publications;
use crate::view::View;

/// A mount as others may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountSummary {
    /// `auth_userpass_1a2b3c4d`: unique, never reused.
    pub accessor: String,
    /// `userpass`.
    pub kind: String,
    /// `auth/userpass/`, with a `/` at the end.
    pub path: String,
    /// Whether it is local to one cluster of several.
    pub local: bool,
    /// Life of tokens and leases where nobody says otherwise.
    pub default_lease_ttl: Duration,
    /// The longest life of tokens and leases.
    pub max_lease_ttl: Duration,
}

/// Work that would hold up others if it ran where requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// RSA, P-384 and P-521 signatures: tens of microseconds to a few milliseconds.
    Signing,
    /// Password hashing and key generation: up to a second.
    Slow,
}

/// Bounded pools of threads for slow work.
pub trait Workers: Send + Sync + 'static {
    /// Queues a job.
    ///
    /// # Errors
    /// The queue is full: [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable).
    fn submit(&self, pool: Pool, job: Box<dyn FnOnce() + Send>) -> Result<(), Error>;
}

/// Runs a job on a pool and waits for its result.
///
/// # Errors
/// The queue is full, or the job panicked.
pub async fn run_on<T: Send + 'static>(
    workers: &dyn Workers,
    pool: Pool,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = futures_channel::oneshot::channel();
    workers.submit(pool, Box::new(move || drop(sender.send(job()))))?;
    receiver
        .await
        .map_err(|_| Error::internal("a worker died with its job"))
}

/// What backends may ask of the core.
pub trait System: Send + Sync + 'static {
    /// The time.
    fn clock(&self) -> &dyn Clock;
    /// Randomness.
    fn entropy(&self) -> &dyn Entropy;
    /// Requests to other servers.
    fn fetcher(&self) -> &dyn Fetch;
    /// What is counted.
    fn metrics(&self) -> &Metrics;
    /// Threads for slow work.
    fn workers(&self) -> &dyn Workers;
    /// What is published for everybody.
    fn publications(&self) -> &Publications;
    /// The server's address as clients reach it, e.g. `https://vault.example.com:8200`; may be
    /// empty.
    fn api_address(&self) -> String;
    /// The mount with this accessor.
    fn mount_by_accessor(&self, accessor: &str) -> Option<MountSummary>;
}

/// What a backend gets when its mount is opened.
#[derive(Clone)]
pub struct Settings {
    /// Its slice of storage.
    pub view: View,
    /// Its mount's accessor.
    pub accessor: String,
    /// The mount's options (`version=2`).
    pub options: std::collections::BTreeMap<String, String>,
    /// The core.
    pub system: Arc<dyn System>,
}
