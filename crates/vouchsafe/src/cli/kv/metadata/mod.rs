//! `kv metadata`: a key's settings and history, without secrets.

mod delete;
mod get;
mod patch;
mod put;
mod settings;

use vouchsafe_api::Request;

use super::place::{MountFlag, Place};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;

/// Show and change the settings and history of secrets
#[derive(clap::Args)]
#[command(after_help = "Example:\n  vouchsafe kv metadata get -mount=secret app/db")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Delete(delete::Args),
    Get(get::Args),
    Patch(patch::Args),
    Put(put::Args),
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    match args.command {
        Command::Delete(args) => delete::run(args, context),
        Command::Get(args) => get::run(args, context),
        Command::Patch(args) => patch::run(args, context),
        Command::Put(args) => put::run(args, context),
    }
}

/// The path of the metadata that a command is about. Connects.
fn path_of(
    http: &HttpFlags,
    mount: &MountFlag,
    words: &[String],
    context: &mut Context,
) -> Result<String, Stop> {
    expect_words(words, 1, 1)?;
    context.connect(http)?;
    let place = Place::find(mount, &words[0], context)?;
    if !place.is_versioned() {
        return Err(Failure::usage("Metadata not supported on KV Version 1").into());
    }
    Ok(place.path("metadata"))
}

/// Sends a change that answers nothing.
fn change(request: &Request, context: &mut Context) -> Result<Exit, Stop> {
    let doing = format!("Error writing data to {}", request.path());
    context.execute(request, &doing)?;
    let done = format!("Success! Data written to: {}", request.path());
    context.console.line(&done);
    Ok(Exit::Success)
}
