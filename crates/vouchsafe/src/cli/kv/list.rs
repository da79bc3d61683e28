//! `kv list`: the secrets in a folder.

use vouchsafe_api::Request;

use super::place::{MountFlag, Place};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::list;

/// List the secrets in a folder
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv list [options] [PATH]",
    after_help = "Example:\n  vouchsafe kv list -mount=secret\n  vouchsafe kv list -mount=secret app/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    #[command(flatten)]
    mount: MountFlag,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let least = usize::from(!args.mount.is_given());
    expect_words(&args.words, least, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let path = args.words.first().map_or("", String::as_str);
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, path, context)?;
    let request = Request::list(&place.path("metadata"))?;
    list::request(&request, false, format, context)
}
