//! The real server on a folder: started, made ready, looked at and stopped.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::measure::{Connection, Process, request};

/// How long a server may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether it does.
const PAUSE: Duration = Duration::from_millis(1);

/// A running server that is ready.
pub(crate) struct Server {
    process: Process,
    address: SocketAddr,
    /// From the start of the process to the first answer of an unsealed server.
    pub(crate) ready_after: Duration,
}

impl Server {
    /// Starts the program on a folder, unseals it, and waits until it answers.
    pub(crate) fn start(folder: &Path, unseal_key: &str) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.with_extension("hcl");
        let text = format!(
            "storage \"file\" {{ path = {:?} }}\nlistener \"tcp\" {{\n  address = \"{address}\"\n  tls_disable = true\n}}\ndisable_mlock = true\n",
            folder.display().to_string()
        );
        std::fs::write(&config, text)?;
        let begun = Instant::now();
        let config = format!("-config={}", config.display());
        let process = Process::start(&["server".to_owned(), config])?;
        let mut connection = loop {
            match Connection::open(address) {
                Ok(connection) => break connection,
                Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(error) => return Err(error.context("the server does not listen")),
            }
        };
        let body = json!({ "key": unseal_key }).to_string();
        let unseal = request("PUT", "/v1/sys/unseal", "", &body);
        let (status, answer) = connection.exchange(unseal.as_bytes())?;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&answer));
        let health = request("GET", "/v1/sys/health", "", "");
        let (status, answer) = connection.exchange(health.as_bytes())?;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&answer));
        Ok(Self {
            process,
            address,
            ready_after: begun.elapsed(),
        })
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self.address)
    }

    /// One request that must succeed.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<Value> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = request(method, &format!("/v1/{path}"), token, &body);
        let (status, answer) = self.connect()?.exchange(request.as_bytes())?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(status < 300, "{method} {path}: {status} {text}");
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// The memory that it has in the machine, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let kibibytes: u64 = self.status("VmRSS:")?.parse()?;
        Ok(kibibytes * 1_024)
    }

    /// The first word of a line of the kernel's about the process.
    fn status(&self, line: &str) -> Result<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let rest = status.lines().find_map(|found| found.strip_prefix(line));
        let word = rest.and_then(|rest| rest.split_whitespace().next());
        Ok(word.context("read /proc")?.to_owned())
    }

    /// The share of one processor that it takes while nobody asks for anything, in percent.
    pub(crate) fn idle_cpu_percent(&self, time: Duration) -> Result<f64> {
        let before = self.process.cpu()?;
        std::thread::sleep(time);
        let used = self.process.cpu()? - before;
        Ok(used.as_secs_f64() / time.as_secs_f64() * 100.0)
    }

    /// Ends it in order.
    pub(crate) fn stop(self) -> Result<()> {
        let id = i32::try_from(self.process.id())?;
        let id = Pid::from_raw(id).context("the process has a number")?;
        kill_process(id, Signal::TERM)?;
        let begun = Instant::now();
        // An ended process is a zombie until it is waited for, when the value is dropped.
        while self.status("State:")? != "Z" {
            if begun.elapsed() > PATIENCE {
                bail!("the server does not end");
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Ends it as a failing machine would.
    pub(crate) fn kill(self) {
        drop(self.process);
    }
}
