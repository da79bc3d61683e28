//! The release benchmark: what a server does over HTTP, beside the raw rate of the same run.
//!
//! `cargo xtask bench [PART...]` builds and runs this; without a name it runs all parts. Absolute
//! rates move with the machine; what can be compared between runs are the ratios. So rounds are
//! interleaved (raw, HTTP, raw, HTTP, …) and medians are shown. Server and load generator share
//! the machine's cores.
//!
//! A part is one file with a `run`, and one line of [`PARTS`]. Each gets a server of its own.
#![expect(clippy::print_stdout, reason = "a benchmark's output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod direct_jwt;
mod identity_token;
mod key_set;
mod load;
mod login;
#[path = "../measure/mod.rs"]
mod measure;
mod published;
mod server;

use std::time::Duration;

use anyhow::{Result, ensure};

use server::Server;

/// How often each figure is taken; the median is shown.
const ROUNDS: usize = 3;
/// How long one taking lasts.
const ROUND: Duration = Duration::from_millis(1_500);
/// How many clients ask at once, where a part does not say otherwise.
const CONNECTIONS: usize = 64;

/// One thing that is measured.
struct Part {
    name: &'static str,
    run: fn(&Server) -> Result<()>,
}

const PARTS: &[Part] = &[
    Part {
        name: "identity-token",
        run: identity_token::run,
    },
    Part {
        name: "key-set",
        run: key_set::run,
    },
    Part {
        name: "published",
        run: published::run,
    },
    Part {
        name: "direct-jwt",
        run: direct_jwt::run,
    },
    Part {
        name: "login",
        run: login::run,
    },
];

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for name in &wanted {
        let known = PARTS.iter().any(|part| part.name == name);
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        ensure!(known, "no part `{name}`; there are {}", names.join(", "));
    }
    println!(
        "{CONNECTIONS} connections, {ROUNDS} rounds of {ROUND:?}, medians; server and load on the same cores"
    );
    for part in PARTS {
        if wanted.is_empty() || wanted.iter().any(|name| name == part.name) {
            println!("\n{}", part.name);
            (part.run)(&Server::start()?)?;
        }
    }
    Ok(())
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
