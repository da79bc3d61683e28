//! The published key set: alone, and beside a server that signs all it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;

use crate::identity_token;
use crate::load::{Load, generate};
use crate::measure::request;
use crate::server::Server;
use crate::{CONNECTIONS, ROUND};

/// Verifiers that ask at once.
const VERIFIERS: usize = 4;
/// How long the signers run before the key set is asked for.
const WARM_UP: Duration = Duration::from_millis(300);

pub(crate) fn run(server: &Server) -> Result<()> {
    let token = identity_token::prepare(server)?;
    let keys = "/v1/identity/oidc/.well-known/keys";
    show("alone", &server.load(keys, "", VERIFIERS, ROUND)?);
    let stop = Arc::new(AtomicBool::new(false));
    let busy = {
        let (stop, address) = (Arc::clone(&stop), server.address);
        std::thread::spawn(move || {
            let request = request("GET", "/v1/identity/oidc/token/rs256", &token, "");
            generate(address, &request, CONNECTIONS, &stop)
        })
    };
    std::thread::sleep(WARM_UP);
    let beside = server.load(keys, "", VERIFIERS, ROUND);
    stop.store(true, Ordering::Relaxed);
    let _ = busy.join();
    show("beside saturated RS256", &beside?);
    Ok(())
}

fn show(label: &str, load: &Load) {
    println!("{label:<34} {:>9.0}/s, p50 {:?}", load.rate(), load.p50());
}
