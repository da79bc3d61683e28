//! `version`: say which program this is.

use super::context::Context;
use super::failure::{Exit, Stop};

/// Print the version
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe version",
    after_help = "Example:\n  vouchsafe version"
)]
pub(crate) struct Args {
    /// Ignored, as in Vault
    #[arg(hide = true)]
    _words: Vec<String>,
}

pub(crate) fn run(_args: Args, context: &mut Context) -> Result<Exit, Stop> {
    context.console.line(&context.program.version_line());
    Ok(Exit::Success)
}
