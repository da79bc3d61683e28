//! `policy read`: a policy's text.

use serde_json::{Value, json};
use vouchsafe_api::Request;

use super::path;
use crate::cli::context::{Context, failed};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};

/// Print a policy
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe policy read [options] NAME",
    after_help = "Example:\n  vouchsafe policy read my-policy"
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
    let name = args.words[0].trim().to_lowercase();
    let request = Request::read(&path(&name))?;
    context.connect(&args.http)?;
    let doing = format!("Error reading policy named {name}");
    let envelope = match context.find(&request, &doing)? {
        Some(answer) => answer
            .envelope()
            .map_err(|source| failed(&doing, &request, source))?,
        None => None,
    };
    let rules = envelope.as_ref().and_then(|answer| {
        answer
            .field("policy")
            .or_else(|| answer.field("rules"))?
            .as_str()
    });
    let Some(rules) = rules else {
        let message = format!("No policy named: {name}");
        let listing = Some("policy list");
        return Err(Failure::Server { message, listing }.into());
    };
    let value: Value = json!({"policy": rules});
    context.print_value(&value, format, || rules.trim().to_owned());
    Ok(Exit::Success)
}
