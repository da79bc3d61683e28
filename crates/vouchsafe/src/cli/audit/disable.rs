//! `audit disable`: write no more to an audit device.

use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::with_final_slash;

/// Disable an audit device
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe audit disable [options] PATH",
    after_help = "Example:\n  vouchsafe audit disable file/"
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
    let request = Request::delete(&format!("sys/audit/{path}"))?;
    context.connect(&args.http)?;
    context.execute(&request, "Error disabling audit device")?;
    context.console.line(&format!(
        "Success! Disabled audit device (if it was enabled) at: {path}"
    ));
    Ok(Exit::Success)
}
