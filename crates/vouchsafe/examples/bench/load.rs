//! The load generator: one request, again and again, over several connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::measure::Connection;

/// What a round of load saw.
pub(crate) struct Load {
    /// How long each request took.
    pub(crate) latencies: Vec<Duration>,
    /// How long the round took.
    pub(crate) elapsed: Duration,
    /// What the server's process used of the CPU meanwhile.
    pub(crate) server_cpu: Duration,
}

impl Load {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The middle latency.
    pub(crate) fn p50(&self) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// The server's CPU time for one request, in microseconds.
    pub(crate) fn cost_micros(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / self.latencies.len() as f64
    }
}

/// Sends one request again and again over several connections until `stop`. Returns how long each
/// took.
pub(crate) fn generate(
    address: SocketAddr,
    request: &str,
    connections: usize,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Duration>> {
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let (request, stop) = (request.to_owned(), Arc::clone(stop));
            std::thread::spawn(move || -> Result<Vec<Duration>> {
                let mut connection = Connection::open(address)?;
                let mut latencies = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let (status, body) = connection.exchange(request.as_bytes())?;
                    ensure!(status == 200, "{status} {}", String::from_utf8_lossy(&body));
                    latencies.push(begun.elapsed());
                }
                Ok(latencies)
            })
        })
        .collect();
    let mut all = Vec::new();
    for thread in threads {
        match thread.join() {
            Ok(latencies) => all.extend(latencies?),
            Err(_) => bail!("a thread of the load generator died"),
        }
    }
    Ok(all)
}
