//! `operator seal`: forget all keys.

use serde_json::json;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;

/// Seal the server: it forgets all keys and stops serving until it is unsealed
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator seal [options]",
    after_help = "Example:\n  vouchsafe operator seal"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    context.connect(&args.http)?;
    context.execute(&Request::write("sys/seal", json!({}))?, "Error sealing")?;
    context.console.line("Success! Vault is sealed.");
    Ok(Exit::Success)
}
