//! What a server costs that holds many tokens: start, memory, disk, idle time, and latency, beside
//! the same of an empty one.
//!
//! `cargo xtask scale [--tokens N] [--idle-seconds S]` builds and runs this, and prints the table
//! for docs/performance.md. A store is filled by the core in this process (see `fill`); then the
//! real program is started on it.
#![expect(clippy::print_stdout, reason = "a measurement's output is its purpose")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement measures real time"
)]

mod fill;
#[path = "../measure/mod.rs"]
mod measure;
#[path = "../../src/ports.rs"]
mod ports;
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use fill::{Filled, fill};
use measure::request;
use server::Server;

/// How many starts a median is of.
const STARTS: usize = 5;
/// How often a latency is taken.
const REQUESTS: usize = 20_000;

struct Options {
    tokens: usize,
    idle: Duration,
}

/// What was measured of one store.
struct Figures {
    filled_in: Duration,
    bytes_on_disk: u64,
    start: Duration,
    start_after_kill: Duration,
    resident_at_rest: u64,
    resident_after_use: u64,
    idle_percent: f64,
    login: Latency,
    lookup: Latency,
}

#[derive(Clone, Copy)]
struct Latency {
    p50: Duration,
    p99: Duration,
}

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let folder = TempDir::new()?;
    let empty = figures(&folder.path().join("empty"), 1, &options)?;
    let full = figures(&folder.path().join("full"), options.tokens, &options)?;
    print_table(&options, &empty, &full);
    Ok(())
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            tokens: 1_000_000,
            idle: Duration::from_secs(60),
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next();
            let value = value.with_context(|| format!("`{name}` needs a number"))?;
            let number = value.replace('_', "").parse::<usize>();
            let number = number.with_context(|| format!("`{value}` is no number"))?;
            match name.as_str() {
                "--tokens" => options.tokens = number.max(1),
                "--idle-seconds" => options.idle = Duration::from_secs(number as u64),
                _ => bail!("unknown flag `{name}`; there are --tokens and --idle-seconds"),
            }
        }
        Ok(options)
    }
}

fn figures(folder: &Path, tokens: usize, options: &Options) -> Result<Figures> {
    let runtime = tokio::runtime::Runtime::new()?;
    let begun = Instant::now();
    let filled = runtime.block_on(fill(folder, tokens))?;
    // Waits for the store to be closed.
    drop(runtime);
    let filled_in = begun.elapsed();
    let bytes_on_disk = std::fs::metadata(folder.join("store.redb"))?.len();

    let mut starts = Vec::new();
    for _ in 1..STARTS {
        let server = Server::start(folder, &filled.unseal_key)?;
        starts.push(server.ready_after);
        server.stop()?;
    }
    let server = Server::start(folder, &filled.unseal_key)?;
    starts.push(server.ready_after);
    let resident_at_rest = server.resident_bytes()?;
    let idle_percent = server.idle_cpu_percent(options.idle)?;
    let lookup = lookups(&server, &filled)?;
    let login = logins(&server, &filled)?;
    let resident_after_use = server.resident_bytes()?;
    server.kill();
    let after_kill = Server::start(folder, &filled.unseal_key)?;
    let start_after_kill = after_kill.ready_after;
    after_kill.stop()?;
    starts.sort();
    Ok(Figures {
        filled_in,
        bytes_on_disk,
        start: starts.get(STARTS / 2).copied().unwrap_or_default(),
        start_after_kill,
        resident_at_rest,
        resident_after_use,
        idle_percent,
        login,
        lookup,
    })
}

/// Tokens of all over the store look themselves up, one after the other.
fn lookups(server: &Server, filled: &Filled) -> Result<Latency> {
    let step = (filled.tokens.len() / REQUESTS).max(1);
    let tokens = filled.tokens.iter().step_by(step);
    let requests = tokens.map(|token| request("GET", "/v1/auth/token/lookup-self", token, ""));
    latency(server, requests.cycle_to(REQUESTS))
}

/// One workload logs in, again and again: a token and its index keys a time.
fn logins(server: &Server, filled: &Filled) -> Result<Latency> {
    let root = &filled.root_token;
    let write = |path: &str, body: Value| server.call("POST", path, root, &body);
    write("sys/auth/approle", json!({ "type": "approle" }))?;
    write("auth/approle/role/scale", json!({ "token_ttl": "1h" }))?;
    let path = "auth/approle/role/scale/role-id";
    let role = server.call("GET", path, root, &Value::Null)?;
    let secret = write("auth/approle/role/scale/secret-id", json!({}))?;
    let proof = json!({
        "role_id": role["data"]["role_id"], "secret_id": secret["data"]["secret_id"],
    });
    let login = request("POST", "/v1/auth/approle/login", "", &proof.to_string());
    latency(server, std::iter::repeat_n(login, REQUESTS / 10).collect())
}

/// As many of the items as asked for, from the beginning again where there are fewer.
trait CycleTo: Iterator + Sized {
    fn cycle_to(self, count: usize) -> Vec<Self::Item>
    where
        Self::Item: Clone,
    {
        let items: Vec<Self::Item> = self.collect();
        items.iter().cycle().take(count).cloned().collect()
    }
}

impl<I: Iterator> CycleTo for I {}

fn latency(server: &Server, requests: Vec<String>) -> Result<Latency> {
    let mut connection = server.connect()?;
    let mut times = Vec::with_capacity(requests.len());
    for request in &requests {
        let begun = Instant::now();
        let (status, body) = connection.exchange(request.as_bytes())?;
        times.push(begun.elapsed());
        ensure!(status == 200, "{status} {}", String::from_utf8_lossy(&body));
    }
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    Ok(Latency {
        p50: at(50).unwrap_or_default(),
        p99: at(99).unwrap_or_default(),
    })
}

fn print_table(options: &Options, empty: &Figures, full: &Figures) {
    let count = options.tokens;
    let per_token = |empty: u64, full: u64| (full as f64 - empty as f64) / count as f64;
    println!("| | empty | {count} tokens and entities | a token |");
    println!("| --- | ---: | ---: | ---: |");
    let row = |name: &str, empty: String, full: String, each: String| {
        println!("| {name} | {empty} | {full} | {each} |");
    };
    let none = String::new;
    let duration = |name: &str, of: fn(&Figures) -> Duration| {
        row(
            name,
            milliseconds(of(empty)),
            milliseconds(of(full)),
            none(),
        );
    };
    let bytes = |name: &str, of: fn(&Figures) -> u64| {
        let each = format!("{:.0} B", per_token(of(empty), of(full)));
        row(name, mebibytes(of(empty)), mebibytes(of(full)), each);
    };
    duration("Start to ready", |figures| figures.start);
    duration("Start to ready after kill -9", |f| f.start_after_kill);
    bytes("Memory at rest", |figures| figures.resident_at_rest);
    bytes("Memory after use", |figures| figures.resident_after_use);
    bytes("Size on disk", |figures| figures.bytes_on_disk);
    let percent = |figures: &Figures| format!("{:.2} %", figures.idle_percent);
    row(
        "Idle CPU, of one core",
        percent(empty),
        percent(full),
        none(),
    );
    duration("Login, p50", |figures| figures.login.p50);
    duration("Login, p99", |figures| figures.login.p99);
    duration("Lookup, p50", |figures| figures.lookup.p50);
    duration("Lookup, p99", |figures| figures.lookup.p99);
    let rate = count as f64 / full.filled_in.as_secs_f64();
    println!(
        "\nFilled in {:.0} s, {rate:.0} tokens with their entities a second; {} build; idle for {:?}.",
        full.filled_in.as_secs_f64(),
        if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        },
        options.idle,
    );
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
