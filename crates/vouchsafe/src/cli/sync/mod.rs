//! `sync`: publishes a private issuer's documents from inside its network (docs/sync.md).
//!
//! The worker reads the issuer's discovery document and keys, and puts both into one upload to the
//! API of a publisher: ours below `/api`, or oidc.pub's. `settings` knows where everything is,
//! `source` reads, `publisher` writes, `round` puts them together, `schedule` says when, `health`
//! answers the orchestrator.
//!
//! Invariants:
//! - No document with a private or symmetric key leaves the process.
//! - A credential goes to the host it is for and to no other.
//! - Nothing here ends the worker but a signal, once its settings are right.

mod fault;
mod health;
mod publisher;
mod round;
mod schedule;
mod settings;
mod source;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use vouchsafe_fetch::HttpFetcher;
use vouchsafe_logical::Clock as _;

use super::context::Context;
use super::duration::{self, Seconds};
use super::expect_words;
use super::failure::{Exit, Failure, Stop};
use crate::ports::{SystemClock, SystemEntropy};
use fault::Fault;
use health::Health;
use round::{Change, Worker};
use settings::{Mode, Settings};

/// Publish the discovery documents of a private issuer, from inside its network
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe sync [options]",
    after_help = "The publisher's token is read from OIDCPUB_API_KEY, or from the file that \
                  OIDCPUB_OIDC_TOKEN_PATH names.\nExit code: 0 published or unchanged, 1 the \
                  settings are at fault, 2 the source or the publisher is.\n\nExample:\n  \
                  OIDCPUB_API_KEY=... vouchsafe sync -once -service-id=k8s-prod \\\n    \
                  -url=https://publish.example.com/api -source-url=https://vault.internal/v1/identity/oidc"
)]
pub(crate) struct Args {
    /// The private issuer, without `/.well-known`. Also OIDC_SOURCE_URL; in a cluster, its API server
    #[arg(long, value_name = "URL")]
    source_url: Option<String>,
    /// The service to publish, by its subdomain. Also OIDCPUB_SERVICE_ID
    #[arg(long, value_name = "SUBDOMAIN")]
    service_id: Option<String>,
    /// Base of the publisher's REST API, such as `https://publish.example.com/api`. Also OIDCPUB_URL
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// File with the token for the publisher, read at each sync. Also OIDCPUB_OIDC_TOKEN_PATH
    #[arg(long, value_name = "FILE")]
    token_path: Option<PathBuf>,
    /// File with a token for the source, read at each sync; in a cluster, the service account's
    #[arg(long, value_name = "FILE")]
    source_token_path: Option<PathBuf>,
    /// PEM file with the certificate authorities that the source is trusted by
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// PEM file with the certificate authorities that the publisher is trusted by
    #[arg(long, value_name = "FILE")]
    publisher_ca_cert: Option<PathBuf>,
    /// Allow http to addresses other than this machine's own
    #[arg(long)]
    allow_http: bool,
    /// Time between two syncs
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = duration::parse)]
    interval: Seconds,
    /// Sync once and end; so it is where CI is `true`
    #[arg(long)]
    once: bool,
    /// Where to answer /livez and /readyz
    #[arg(long, value_name = "HOST:PORT")]
    health_address: Option<SocketAddr>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let settings = Settings::choose(&args, &context.environment)?;
    // Nobody changes its levels.
    drop(crate::serve::start_log());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::local(format!("the runtime cannot start: {error}")))?;
    runtime.block_on(work(&settings))
}

async fn work(settings: &Settings) -> Result<Exit, Stop> {
    let fetcher = HttpFetcher::new();
    let mut worker = Worker::new(settings, &fetcher);
    if settings.mode == Mode::Once {
        return match worker.round().await {
            Ok(change) => {
                tell(settings, &change);
                Ok(Exit::Success)
            }
            Err(fault @ Fault::Local(_)) => Err(Failure::local(fault.to_string()).into()),
            Err(fault) => Err(Failure::server_side(fault.to_string()).into()),
        };
    }
    let health = Mutex::new(Health::new(SystemClock.now(), settings.interval));
    let listener = match settings.health_address {
        Some(address) => Some(TcpListener::bind(address).await.map_err(|error| {
            Failure::local(format!("Error listening at {address} for health: {error}"))
        })?),
        None => None,
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    tokio::select! {
        () = forever(settings, &mut worker, &health) => {}
        () = health::serve(listener, &health, &SystemClock) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(Exit::Success)
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::local(format!("signals can't be listened for: {error}"))
}

async fn forever(settings: &Settings, worker: &mut Worker<'_>, health: &Mutex<Health>) {
    let mut failures = 0;
    loop {
        let outcome = worker.round().await;
        if let Ok(mut health) = health.lock() {
            health.note(&outcome, SystemClock.now());
        }
        match &outcome {
            Ok(change) => {
                failures = 0;
                tell(settings, change);
            }
            Err(fault) => {
                failures += 1;
                tracing::warn!(service = settings.service, failures, %fault, "the sync failed and will be tried again");
            }
        }
        let pause = schedule::pause(failures, settings.interval, &SystemEntropy);
        tokio::time::sleep(pause).await;
    }
}

/// One line for a change; nothing where there is none.
fn tell(settings: &Settings, change: &Change) {
    let service = &settings.service;
    match change {
        Change::Published { keys } => {
            tracing::info!(%service, keys = keys.join(","), "published");
        }
        Change::None => tracing::debug!(%service, "nothing has changed"),
    }
}
