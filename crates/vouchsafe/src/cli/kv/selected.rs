//! `kv undelete` and `kv destroy`: versions by number.

use serde_json::json;
use vouchsafe_api::Request;

use super::place::{MountFlag, Place};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{Format, HttpFlags, OutputFlags};

/// What both commands take.
#[derive(clap::Args)]
pub(crate) struct SelectedArgs {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    mount: MountFlag,
    /// Versions, separated by commas; may repeat
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    versions: Vec<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

/// Undelete versions of a secret
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv undelete [options] PATH",
    after_help = "Example:\n  vouchsafe kv undelete -mount=secret -versions=2 app/db"
)]
pub(crate) struct UndeleteArgs {
    #[command(flatten)]
    selected: SelectedArgs,
}

/// Remove versions of a secret for good
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv destroy [options] PATH",
    after_help = "Example:\n  vouchsafe kv destroy -mount=secret -versions=1,2 app/db"
)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    selected: SelectedArgs,
}

pub(crate) fn undelete(args: UndeleteArgs, context: &mut Context) -> Result<Exit, Stop> {
    run(&args.selected, "undelete", "Undelete", context)
}

pub(crate) fn destroy(args: DestroyArgs, context: &mut Context) -> Result<Exit, Stop> {
    run(&args.selected, "destroy", "Destroy", context)
}

fn run(args: &SelectedArgs, verb: &str, name: &str, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    if args.versions.is_empty() {
        return Err(Failure::usage(format!(
            "No versions provided, use the \"-versions\" flag to specify the version to {verb}."
        ))
        .into());
    }
    let format = args.output.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, &args.words[0], context)?;
    if !place.is_versioned() {
        return Err(Failure::usage(format!("{name} not supported on KV Version 1")).into());
    }
    let body = json!({ "versions": args.versions });
    let request = Request::write(&place.path(verb), body)?;
    let doing = format!("Error writing data to {}", request.path());
    match context.envelope(&request, &doing)? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => {
            if format == Format::Table {
                let done = format!("Success! Data written to: {}", request.path());
                context.console.line(&done);
            }
            Ok(Exit::Success)
        }
    }
}
