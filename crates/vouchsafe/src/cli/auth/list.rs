//! `auth list`: the auth methods that are enabled.

use serde_json::Value;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::mount::{self, Kind};

/// List the auth methods
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe auth list [options]",
    after_help = "Example:\n  vouchsafe auth list -detailed"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Show all settings
    #[arg(long)]
    detailed: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let format = args.format.resolve(&context.environment)?;
    let request = Request::read("sys/auth")?;
    context.connect(&args.http)?;
    let mounts = mount::of(context.envelope(&request, "Error listing enabled authentications")?);
    let value = Value::Object(mounts.clone());
    context.print_value(&value, format, || match args.detailed {
        true => mount::detailed_table(&mounts, Kind::Auth),
        false => mount::table(&mounts, Kind::Auth),
    });
    Ok(Exit::Success)
}
