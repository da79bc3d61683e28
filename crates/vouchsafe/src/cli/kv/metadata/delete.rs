//! `kv metadata delete`: remove a key with all of its versions.

use vouchsafe_api::Request;

use super::path_of;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::kv::place::MountFlag;

/// Remove a secret with all of its versions and settings, for good
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv metadata delete [options] PATH",
    after_help = "Example:\n  vouchsafe kv metadata delete -mount=secret app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    mount: MountFlag,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let path = path_of(&args.http, &args.mount, &args.words, context)?;
    let request = Request::delete(&path)?;
    context.execute(&request, &format!("Error deleting {path}"))?;
    let done = format!("Success! Data deleted (if it existed) at: {path}");
    context.console.line(&done);
    Ok(Exit::Success)
}
