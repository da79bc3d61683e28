//! `vouchsafe server`: starts the server, in dev mode or from configuration files.
//!
//! SIGHUP reloads, SIGTERM and SIGINT stop: requests in flight are finished, unless a second one
//! comes.

mod configured;
mod dev;
pub(crate) mod iam;
mod log;
mod machine;
mod notify;
mod process;
mod seal;
mod signal;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use vouchsafe_core::host::Host;
use vouchsafe_logical::Data;

use crate::config;
pub(crate) use log::start_log;
use notify::Notifier;
use signal::{Signals, Wish};

/// Arguments of `server`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Configuration file, or a folder of `.hcl` and `.json` files; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Vec<PathBuf>,

    /// Check the configuration and the files that it names, and end
    #[arg(long)]
    pub(crate) check: bool,

    /// Run in memory, initialised and unsealed. Never in production
    #[arg(long)]
    pub(crate) dev: bool,

    /// Id of the root token in dev mode
    #[arg(long, value_name = "TOKEN")]
    pub(crate) dev_root_token_id: Option<String>,

    /// Where to listen in dev mode
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) dev_listen_address: Option<String>,

    /// Leave the token helper's file alone in dev mode
    #[arg(long)]
    pub(crate) dev_no_store_token: bool,
}

impl Args {
    const fn is_dev(&self) -> bool {
        self.dev || self.dev_root_token_id.is_some() || self.dev_listen_address.is_some()
    }
}

/// Runs the server until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    match (args.is_dev(), args.config.is_empty()) {
        (true, true) if args.check => bail!("`-check` needs `-config`, which says what to check"),
        (true, true) => dev::run(&args),
        (true, false) => bail!("`-dev` and `-config` exclude each other: dev mode has its own"),
        (false, true) => bail!(
            "start with `server -config=PATH`, or `server -dev` (in memory, unsealed, for trying things out)"
        ),
        (false, false) => {
            let config = config::load(&args.config)?;
            if args.check {
                configured::check(&config)?;
                writeln!(std::io::stdout(), "The configuration is valid.")?;
                return Ok(());
            }
            configured::run(&config)
        }
    }
}

/// What the core is told of this process and its machine.
fn host(log: Arc<log::Log>, configuration: Data) -> Host {
    Host {
        loggers: log,
        machine: Arc::new(machine::ThisMachine),
        configuration,
    }
}

/// What can be told to stop, and on the way to reload.
trait Running {
    /// Takes what has changed outside: certificates, audit files that were moved away.
    fn reload(&self);

    /// Finishes requests in flight, and ends.
    fn stop(self) -> impl Future<Output = ()>;
}

/// Tells whoever reads standard output. Where nobody does any more, the server goes on: what it
/// serves does not depend on who watched it start.
fn tell(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
        tracing::warn!(%error, "standard output can't be written to");
    }
}

/// Runs a server in a runtime of its own until a signal stops it.
fn run_until_stopped<R: Running>(
    start: impl AsyncFnOnce() -> anyhow::Result<R>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::install().context("listen for signals")?;
        let notifier = Notifier::of_process();
        let server = start().await?;
        notifier.ready();
        attend(&server, &mut signals, &notifier).await?;
        notifier.stopping();
        tell(|out| writeln!(out, "==> Vouchsafe shutdown triggered"));
        tokio::select! {
            () = server.stop() => {}
            () = signals.stop() => tracing::warn!("told twice to stop: requests in flight are cut off"),
        }
        Ok(())
    });
    // Waits for no thread: what had to be finished is, or was not to be waited for.
    runtime.shutdown_background();
    outcome
}

/// Reloads as often as it is told to; returns when it is told to stop.
async fn attend(
    server: &impl Running,
    signals: &mut Signals,
    notifier: &Notifier,
) -> std::io::Result<()> {
    while signals.next().await == Wish::Reload {
        notifier.reloading();
        tell(|out| writeln!(out, "==> Vouchsafe reload triggered"));
        server.reload();
        notifier.ready();
    }
    Ok(())
}
