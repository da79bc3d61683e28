//! `path-help`: what a path is for, and what it takes.

use serde_json::Value;
use vouchsafe_api::Request;

use super::context::{Context, failed};
use super::expect_words;
use super::failure::{Exit, Stop};
use super::flags::{Format, FormatFlags, HttpFlags};

/// Show what a path is for
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe path-help [options] PATH",
    after_help = "Example:\n  vouchsafe path-help identity/oidc/role/my-role"
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
    expect_words(&args.words, 1, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let request = Request::read(&args.words[0])?.with_query("help", "1");
    context.connect(&args.http)?;
    let doing = "Error retrieving help";
    let answer = context.execute(&request, doing)?;
    // Help has no envelope.
    let help: Value = answer
        .json()
        .map_err(|source| failed(doing, &request, source))?;
    match format {
        Format::Json => context.print_value(&help["openapi"], format, String::new),
        Format::Raw | Format::Table | Format::Yaml => {
            let text = help["help"].as_str().unwrap_or_default();
            context.console.line(text.trim_end());
        }
    }
    Ok(Exit::Success)
}
