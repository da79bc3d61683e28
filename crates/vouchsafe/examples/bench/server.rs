//! A development server to measure, and the requests that prepare it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use crate::load::{Load, generate};
use crate::measure::{Connection, Process, request};

/// A server of its own for one part.
pub(crate) struct Server {
    process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the program that was built beside this one; its root token is `root`.
    pub(crate) fn start() -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Process::start(&[
            "server".to_owned(),
            "-dev".to_owned(),
            "-dev-root-token-id=root".to_owned(),
            "-dev-no-store-token".to_owned(),
            format!("-dev-listen-address={address}"),
        ])?;
        Self::over(process, address)
    }

    /// A server whose process was just started.
    pub(crate) fn over(process: Process, address: SocketAddr) -> Result<Self> {
        let server = Self { process, address };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        bail!("the server did not start")
    }

    /// Writes to a path below `/v1/` with the root token.
    pub(crate) fn write(&self, path: &str, body: Value) -> Result<Value> {
        self.write_as("root", path, body)
    }

    /// Writes to a path below `/v1/`.
    pub(crate) fn write_as(&self, token: &str, path: &str, body: Value) -> Result<Value> {
        let mut connection = Connection::open(self.address)?;
        let request = request("POST", &format!("/v1/{path}"), token, &body.to_string());
        let (status, body) = connection.exchange(request.as_bytes())?;
        ensure!(
            status < 300,
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// One round of `GET` on a path.
    pub(crate) fn load(
        &self,
        path: &str,
        token: &str,
        connections: usize,
        time: Duration,
    ) -> Result<Load> {
        self.load_with(&request("GET", path, token, ""), connections, time)
    }

    /// One round of any request, given as its bytes.
    pub(crate) fn load_with(
        &self,
        request: &str,
        connections: usize,
        time: Duration,
    ) -> Result<Load> {
        let stop = Arc::new(AtomicBool::new(false));
        let timer = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                std::thread::sleep(time);
                stop.store(true, Ordering::Relaxed);
            })
        };
        let (before, begun) = (self.process.cpu()?, Instant::now());
        let latencies = generate(self.address, request, connections, &stop)?;
        let (elapsed, server_cpu) = (begun.elapsed(), self.process.cpu()? - before);
        let _ = timer.join();
        Ok(Load {
            latencies,
            elapsed,
            server_cpu,
        })
    }
}
