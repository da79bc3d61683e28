//! `operator step-down`: let another node be the active one.

use serde_json::json;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;

/// Let another node be the active one; where there is no other, nothing changes
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator step-down [options]",
    after_help = "Example:\n  vouchsafe operator step-down"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    context.connect(&args.http)?;
    let request = Request::write("sys/step-down", json!({}))?;
    context.execute(&request, "Error stepping down")?;
    let address = context.connection()?.client().address();
    let line = format!("Success! Stepped down: {address}");
    context.console.line(&line);
    Ok(Exit::Success)
}
