//! Dev mode: a server in memory, initialised and unsealed, for trying things out.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use vouchsafe_logical::Data;

use super::{Args, Running, host, run_until_stopped, start_log, tell};
use crate::embedded::Embedded;

/// Where dev mode listens unless told otherwise.
const DEV_LISTEN_ADDRESS: &str = "127.0.0.1:8200";

/// Runs the server until it is told to stop.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let log = start_log();
    let address = args.dev_listen_address.as_deref();
    let address = resolve(address.unwrap_or(DEV_LISTEN_ADDRESS))?;
    run_until_stopped(async || {
        let server = Embedded::start(address, args.dev_root_token_id.as_deref()).await?;
        server.use_host(host(log, configuration(&server)));
        if !args.dev_no_store_token {
            store_token(server.root_token())?;
        }
        tell(|out| announce(&server, out));
        Ok(server)
    })
}

/// What dev mode decides, as a configuration would say it.
fn configuration(server: &Embedded) -> Data {
    let listener = json!({ "address": server.socket().to_string(), "tls_disable": true });
    Data::from_iter([
        ("api_addr".to_owned(), server.address().into()),
        (
            "listeners".to_owned(),
            json!([{ "type": "tcp", "config": listener }]),
        ),
        (
            "seals".to_owned(),
            json!([{ "type": "shamir", "disabled": false }]),
        ),
        ("storage".to_owned(), json!({ "type": "inmem" })),
    ])
}

impl Running for Embedded {
    fn reload(&self) {
        self.reopen_audit_files();
    }

    fn stop(self) -> impl Future<Output = ()> {
        Self::stop(self)
    }
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
        "WARNING! This is dev mode: everything is kept in memory and gone when the server stops,\n\
         it starts unsealed, and there is no TLS. Never use it in production.\n"
    )?;
    writeln!(out, "Tell the command line where the server is:\n")?;
    writeln!(out, "    $ export VAULT_ADDR='{address}'\n")?;
    let unseal_key = STANDARD.encode(server.unseal_key().expose());
    writeln!(out, "Unseal Key: {unseal_key}")?;
    writeln!(out, "Root Token: {}\n", server.root_token())
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
