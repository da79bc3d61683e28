//! `policy delete`: remove a policy.

use vouchsafe_api::Request;

use super::path;
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;

/// Delete a policy
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe policy delete [options] NAME",
    after_help = "Example:\n  vouchsafe policy delete my-policy"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let name = args.words[0].trim().to_lowercase();
    let request = Request::delete(&path(&name))?;
    context.connect(&args.http)?;
    context.execute(&request, &format!("Error deleting {name}"))?;
    context
        .console
        .line(&format!("Success! Deleted policy: {name}"));
    Ok(Exit::Success)
}
