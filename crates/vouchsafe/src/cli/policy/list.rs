//! `policy list`: the names of the policies.

use serde_json::Value;
use vouchsafe_api::{Envelope, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::gotext;

/// List the policies
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe policy list [options]",
    after_help = "Example:\n  vouchsafe policy list"
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
    let request = Request::list("sys/policies/acl")?;
    context.connect(&args.http)?;
    let envelope = context.envelope(&request, "Error listing policies")?;
    let names = envelope
        .as_ref()
        .and_then(Envelope::keys)
        .cloned()
        .unwrap_or_default();
    let lines = names
        .iter()
        .map(gotext::render)
        .collect::<Vec<_>>()
        .join("\n");
    context.print_value(&Value::Array(names), format, || lines);
    Ok(Exit::Success)
}
