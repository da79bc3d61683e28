//! `operator unseal`: bring a share of the unseal key.

use serde_json::{Value, json};
use vouchsafe_api::Request;

use super::share::{given, object};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::status;

/// Bring a share of the unseal key
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator unseal [options] [KEY]",
    after_help = "Without KEY it is asked for, and not shown. `-` reads it from standard input.\n\n\
                  Example:\n  vouchsafe operator unseal"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,

    /// Forget the shares that were brought so far
    #[arg(long)]
    reset: bool,

    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 1)?;
    let format = args.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    let body = if args.reset {
        json!({ "reset": true })
    } else {
        json!({ "key": given(&args.words, context)? })
    };
    let request = Request::write("sys/unseal", body)?;
    let state = Value::Object(object(context, &request, "Error unsealing")?);
    context.print_value(&state, format, || status::table(&state).render());
    Ok(Exit::Success)
}
