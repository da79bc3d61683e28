//! `vouchsafe demo`: a guided tour against a server of its own.

use anyhow::anyhow;

/// Arguments of `demo`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs the tour.
pub(crate) fn run(_args: Args) -> anyhow::Result<()> {
    Err(anyhow!("not linked yet"))
}
