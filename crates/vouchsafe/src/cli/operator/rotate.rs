//! `operator rotate`: encrypt storage with a new key from now on.

use serde_json::json;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};

/// Encrypt storage with a new key from now on; what is stored stays readable
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator rotate [options]",
    after_help = "Example:\n  vouchsafe operator rotate"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let format = args.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    context.execute(
        &Request::write("sys/rotate", json!({}))?,
        "Error rotating key",
    )?;
    if format == crate::cli::flags::Format::Table {
        context.console.line("Success! Rotated key\n");
    }
    super::key_status::print(context, format)
}
