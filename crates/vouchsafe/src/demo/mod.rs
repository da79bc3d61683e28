//! `vouchsafe demo`: a guided tour against a server of its own.
//!
//! The tour issues a signed identity token to a workload and has it verified by a program that
//! knows nothing but the issuer's URL. Every step is a command that a person would type, run as
//! written by this same program against a real server on a free loopback port.

mod command;
mod outsider;
mod tour;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;

use crate::embedded::{Embedded, asked_to_stop};

/// Arguments of `demo`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// End after the tour, with exit code 0 only if every step held
    #[arg(long)]
    pub(crate) once: bool,
}

/// Runs the tour.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    runtime.block_on(async {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Embedded::start(loopback, None).await?;
        let site = tour::Site {
            program: std::env::current_exe().context("find this program")?,
            address: server.address(),
            root_token: server.root_token().to_owned(),
        };
        // The tour runs commands and waits for them, which has no place on a thread that serves.
        let site = Arc::new(site);
        let guide = Arc::clone(&site);
        let toured = tokio::task::spawn_blocking(move || tour::run(&guide, &mut std::io::stdout()))
            .await
            .context("run the tour")?;
        if toured.is_ok() && !args.once {
            stay(&site, &mut std::io::stdout())?;
            asked_to_stop().await;
        }
        server.stop().await;
        toured
    })
}

fn stay(site: &tour::Site, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "The server goes on until you press Ctrl-C. In another terminal, try things out:\n"
    )?;
    site.show(out, "    ")?;
    writeln!(
        out,
        "    vouchsafe read -format=json identity/oidc/key/workload-key\n"
    )?;
    out.flush()
}
