//! `kv delete`: delete the latest version of a secret, or others.

use serde_json::json;
use vouchsafe_api::Request;

use super::place::{MountFlag, Place};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{Format, HttpFlags, OutputFlags};

/// Delete a secret, or versions of it that can be undeleted
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv delete [options] PATH",
    after_help = "Example:\n  vouchsafe kv delete -mount=secret app/db\n  \
                  vouchsafe kv delete -mount=secret -versions=1,2 app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    mount: MountFlag,
    /// Versions to delete; may repeat. Default: the latest
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    versions: Vec<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let format = args.output.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, &args.words[0], context)?;
    let shown = place.path("data");
    let request = if place.is_versioned() && !args.versions.is_empty() {
        Request::write(&place.path("delete"), json!({ "versions": args.versions }))?
    } else {
        Request::delete(&shown)?
    };
    let doing = format!("Error deleting {shown}");
    match context.envelope(&request, &doing)? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => {
            if format == Format::Table {
                let done = format!("Success! Data deleted (if it existed) at: {shown}");
                context.console.line(&done);
            }
            Ok(Exit::Success)
        }
    }
}
