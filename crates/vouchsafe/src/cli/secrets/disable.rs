//! `secrets disable`: unmount a secrets engine, which deletes its data.

use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::with_final_slash;

/// Disable a secrets engine, and delete its data
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe secrets disable [options] PATH",
    after_help = "Example:\n  vouchsafe secrets disable team/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let path = with_final_slash(&args.words[0]);
    let request = Request::delete(&format!("sys/mounts/{path}"))?;
    context.connect(&args.http)?;
    context.execute(
        &request,
        &format!("Error disabling secrets engine at {path}"),
    )?;
    context.console.line(&format!(
        "Success! Disabled the secrets engine (if it existed) at: {path}"
    ));
    Ok(Exit::Success)
}
