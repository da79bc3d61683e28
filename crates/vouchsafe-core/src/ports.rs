//! What the composition root gives the core: time, randomness, outbound requests, threads, and the
//! place for what is published.

use std::sync::Arc;

use vouchsafe_logical::metric::Metrics;
use vouchsafe_logical::{Clock, Entropy, Fetch, Publications, Workers};

/// The outside world as arguments.
#[derive(Clone)]
pub struct Ports {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Makes requests to other servers.
    pub fetcher: Arc<dyn Fetch>,
    /// Keeps what is counted; all of one server count into the same.
    pub metrics: Arc<Metrics>,
    /// Runs slow work.
    pub workers: Arc<dyn Workers>,
    /// What is published for everybody. It outlives sealing.
    pub publications: Arc<Publications>,
}
