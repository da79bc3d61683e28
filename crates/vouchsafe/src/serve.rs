//! `vouchsafe server`: starts the server.

use std::io::{IsTerminal, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::pin::pin;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::embedded::{Embedded, asked_to_stop};

/// Arguments of `server`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Path of the configuration file
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Option<std::path::PathBuf>,

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

/// Where dev mode listens unless told otherwise.
const DEV_LISTEN_ADDRESS: &str = "127.0.0.1:8200";

/// Runs the server until it is told to stop. SIGHUP has it open its audit files anew.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let dev = args.dev || args.dev_root_token_id.is_some() || args.dev_listen_address.is_some();
    if !dev || args.config.is_some() {
        bail!(
            "this version runs in dev mode only; start it with `server -dev` (in memory, unsealed, for trying things out)"
        );
    }
    start_log();
    let address = resolve(
        args.dev_listen_address
            .as_deref()
            .unwrap_or(DEV_LISTEN_ADDRESS),
    )?;
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    runtime.block_on(serve(address, &args))
}

async fn serve(address: SocketAddr, args: &Args) -> anyhow::Result<()> {
    let mut hangups = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
    let server = Embedded::start(address, args.dev_root_token_id.as_deref()).await?;
    if !args.dev_no_store_token {
        store_token(server.root_token())?;
    }
    announce(&server, &mut std::io::stdout().lock())?;
    let mut stop = pin!(asked_to_stop());
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = hangups.recv() => {
                writeln!(std::io::stdout(), "==> Vouchsafe reload triggered")?;
                server.reopen_audit_files();
            }
        }
    }
    writeln!(std::io::stdout(), "==> Vouchsafe shutdown triggered")?;
    server.stop().await;
    Ok(())
}

fn announce(server: &Embedded, out: &mut dyn Write) -> std::io::Result<()> {
    let address = server.address();
    writeln!(out, "==> Vouchsafe server configuration:\n")?;
    writeln!(out, "             Api Address: {address}")?;
    writeln!(
        out,
        "              Listener 1: tcp (addr: \"{}\", tls: \"disabled\")",
        server.socket()
    )?;
    writeln!(out, "                 Storage: inmem")?;
    writeln!(
        out,
        "                 Version: Vouchsafe v{}\n",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(
        out,
        "==> Vouchsafe server started! Log data will stream in below:\n"
    )?;
    writeln!(
        out,
        "WARNING! dev mode is enabled! In this mode, Vouchsafe runs entirely in-memory\n\
         and starts unsealed. The root token is already authenticated to the CLI, so\n\
         you can immediately begin using it. Dev mode should NOT be used in production!\n"
    )?;
    writeln!(
        out,
        "You may need to set the following environment variable:\n"
    )?;
    writeln!(out, "    $ export VAULT_ADDR='{address}'\n")?;
    writeln!(out, "Root Token: {}\n", server.root_token())?;
    out.flush()
}

fn resolve(text: &str) -> anyhow::Result<SocketAddr> {
    text.to_socket_addrs()
        .with_context(|| format!("listen address {text:?}; expected HOST:PORT"))?
        .next()
        .with_context(|| format!("listen address {text:?} names no address"))
}

/// Leaves the root token where the command line looks for it, readable by this user only.
fn store_token(token: &str) -> anyhow::Result<()> {
    let Some(home) = std::env::home_dir() else {
        return Ok(());
    };
    let path = home.join(".vault-token");
    write_private(&path, token).with_context(|| format!("write {}", path.display()))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let staged = path.with_extension("new");
    drop(std::fs::remove_file(&staged));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&staged)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    std::fs::rename(&staged, path)
}

/// Logs to standard error, `info` and above unless told otherwise.
pub(crate) fn start_log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::builder()
        .with_env_var("VOUCHSAFE_LOG")
        .try_from_env()
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    // A second start in one process (tests) keeps the first log.
    drop(started);
}
