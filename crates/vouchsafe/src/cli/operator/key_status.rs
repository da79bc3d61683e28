//! `operator key-status`: the term of the key that encrypts storage.

use serde_json::Value;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::gotext;
use crate::cli::table::Table;

/// Show the term of the key that encrypts storage
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator key-status [options]",
    after_help = "Example:\n  vouchsafe operator key-status"
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
    print(context, format)
}

/// Shows the term as it is now.
pub(super) fn print(
    context: &mut Context,
    format: crate::cli::flags::Format,
) -> Result<Exit, Stop> {
    let request = Request::read("sys/key-status")?;
    let envelope = context.envelope(&request, "Error reading key status")?;
    let data = envelope.and_then(|envelope| envelope.data);
    let state = data.ok_or_else(|| Failure::NothingAt("sys/key-status".to_owned()))?;
    let state = Value::from(state);
    context.print_value(&state, format, || {
        let text = |name: &str| state.get(name).map(gotext::render).unwrap_or_default();
        let mut table = Table::of_pairs();
        table.pair("Key Term", text("term"));
        table.pair("Install Time", text("install_time"));
        table.pair("Encryption Count", text("encryptions"));
        table.render()
    });
    Ok(Exit::Success)
}
