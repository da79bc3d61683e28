//! How fast identity tokens are issued over HTTP, beside the raw signing rate of the same run.
//!
//! `cargo xtask bench` builds and runs this. Absolute rates move with the machine; what can be
//! compared between runs are the ratios. Rounds are interleaved (raw, HTTP, raw, HTTP, …) and the
//! medians are shown. Server and load generator share the machine's cores.
#![expect(clippy::print_stdout, reason = "a benchmark's output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, SigningKey};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1_500);
const CONNECTIONS: usize = 64;
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
/// About what a token of the guide's template is to sign.
const PAYLOAD_BYTES: usize = 500;

fn main() -> Result<()> {
    let server = Server::start()?;
    let token = server.prepare()?;
    println!(
        "{CONNECTIONS} connections, {ROUNDS} rounds of {ROUND:?}, medians; server and load on the same cores\n"
    );
    println!(
        "{:<10} {:>12} {:>14} {:>14} {:>16} {:>10}",
        "", "raw sign/s", "tokens/s", "CPU µs/token", "raw CPU µs/sign", "survives"
    );
    for algorithm in ALGORITHMS {
        server.measure(algorithm, &token)?;
    }
    server.measure_documents(&token)
}

impl Server {
    /// One line of the table.
    fn measure(&self, algorithm: Algorithm, token: &str) -> Result<()> {
        let key = SigningKey::generate(algorithm)?;
        let path = format!(
            "/v1/identity/oidc/token/{}",
            algorithm.as_str().to_lowercase()
        );
        let (mut raw, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            raw.push(raw_rate(&key)?);
            let load = self.load(&path, token, CONNECTIONS, ROUND)?;
            rates.push(load.rate());
            costs.push(load.server_cpu.as_secs_f64() * 1e6 / load.latencies.len() as f64);
        }
        let (raw, rate, cost) = (median(raw), median(rates), median(costs));
        // One core signs `raw` times a second; what the server's CPU time buys is 1e6 / cost.
        let survives = (1e6 / cost) / raw;
        println!(
            "{:<10} {raw:>12.0} {rate:>14.0} {cost:>14.1} {:>16.1} {survives:>10.2}",
            algorithm.as_str(),
            1e6 / raw
        );
        Ok(())
    }

    /// The key set alone, and beside a server that signs all it can.
    fn measure_documents(&self, token: &str) -> Result<()> {
        let keys = "/v1/identity/oidc/.well-known/keys";
        let alone = self.load(keys, "", 4, ROUND)?;
        let stop = Arc::new(AtomicBool::new(false));
        let busy = {
            let (stop, address, token) = (Arc::clone(&stop), self.address, token.to_owned());
            std::thread::spawn(move || {
                let request = request("GET", "/v1/identity/oidc/token/rs256", &token, "");
                generate(address, &request, CONNECTIONS, &stop)
            })
        };
        std::thread::sleep(Duration::from_millis(300));
        let beside = self.load(keys, "", 4, ROUND)?;
        stop.store(true, Ordering::Relaxed);
        let _ = busy.join();
        println!(
            "\nkey set, 4 connections:            {:>9.0}/s, p50 {:?}",
            alone.rate(),
            alone.p50()
        );
        println!(
            "key set beside saturated RS256:    {:>9.0}/s, p50 {:?}",
            beside.rate(),
            beside.p50()
        );
        Ok(())
    }

    /// Keys, roles, and a token that may ask for identity tokens.
    fn prepare(&self) -> Result<String> {
        self.write("sys/auth/userpass", json!({ "type": "userpass" }))?;
        let policy = "path \"identity/oidc/token/*\" { capabilities = [\"read\"] }";
        self.write("sys/policies/acl/bench", json!({ "policy": policy }))?;
        let user = json!({ "password": "bench", "token_policies": "bench" });
        self.write("auth/userpass/users/bench", user)?;
        let template = r#"{"service": {{.entity.metadata.service | toJSON}}, "entity_name": {{.entity.name | toJSON}}, "groups": {{.entity.groups | toJSON}}}"#;
        for algorithm in ALGORITHMS {
            let name = algorithm.as_str().to_lowercase();
            let key = json!({ "algorithm": algorithm.as_str(), "allowed_client_ids": "*" });
            self.write(&format!("identity/oidc/key/{name}"), key)?;
            let role = json!({ "key": name, "template": template, "ttl": "1h" });
            self.write(&format!("identity/oidc/role/{name}"), role)?;
        }
        let login = self.write("auth/userpass/login/bench", json!({ "password": "bench" }))?;
        let token = login["auth"]["client_token"]
            .as_str()
            .context("no token in the login")?;
        Ok(token.to_owned())
    }

    fn write(&self, path: &str, body: Value) -> Result<Value> {
        let mut connection = Connection::open(self.address)?;
        let request = request("POST", &format!("/v1/{path}"), "root", &body.to_string());
        let (status, body) = connection.exchange(request.as_bytes())?;
        ensure!(
            status < 300,
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn load(&self, path: &str, token: &str, connections: usize, time: Duration) -> Result<Load> {
        let request = request("GET", path, token, "");
        let stop = Arc::new(AtomicBool::new(false));
        let timer = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                std::thread::sleep(time);
                stop.store(true, Ordering::Relaxed);
            })
        };
        let (before, begun) = (self.cpu()?, Instant::now());
        let latencies = generate(self.address, &request, connections, &stop)?;
        let (elapsed, server_cpu) = (begun.elapsed(), self.cpu()? - before);
        let _ = timer.join();
        Ok(Load {
            latencies,
            elapsed,
            server_cpu,
        })
    }

    /// CPU time of the server so far, user and system.
    fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<u64>().ok());
        let total = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        // The kernel counts in ticks of 10 ms.
        Ok(Duration::from_millis(total.context("read /proc")? * 10))
    }
}

/// Signatures a second of this thread alone.
fn raw_rate(key: &SigningKey) -> Result<f64> {
    let payload = [b'x'; PAYLOAD_BYTES];
    let begun = Instant::now();
    let mut signed = 0_u32;
    while begun.elapsed() < ROUND / 2 {
        key.sign(&payload)?;
        signed += 1;
    }
    Ok(f64::from(signed) / begun.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

struct Load {
    latencies: Vec<Duration>,
    elapsed: Duration,
    server_cpu: Duration,
}

impl Load {
    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn p50(&self) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

fn request(method: &str, path: &str, token: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends one request again and again over several connections. Returns how long each took.
fn generate(
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

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connect")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    fn exchange(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.stream.get_mut().write_all(request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .context("no status")?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().context("content length")?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the program that was built beside this one.
    fn start() -> Result<Self> {
        let examples = std::env::current_exe()?;
        let profile = examples.parent().and_then(|folder| folder.parent());
        let program: PathBuf = profile.context("find the build folder")?.join("vouchsafe");
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(&program)
            .args([
                "server",
                "-dev",
                "-dev-root-token-id=root",
                "-dev-no-store-token",
            ])
            .arg(format!("-dev-listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}; is it built?", program.display()))?;
        let server = Self { process, address };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        bail!("the server did not start")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
