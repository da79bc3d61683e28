//! `auth disable`: unmount an auth method, which revokes its tokens.

use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::with_final_slash;

/// Disable an auth method, and revoke its tokens
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe auth disable [options] PATH",
    after_help = "Example:\n  vouchsafe auth disable approle/"
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
    let request = Request::delete(&format!("sys/auth/{path}"))?;
    context.connect(&args.http)?;
    context.execute(&request, &format!("Error disabling auth method at {path}"))?;
    context.console.line(&format!(
        "Success! Disabled the auth method (if it existed) at: {path}"
    ));
    Ok(Exit::Success)
}
