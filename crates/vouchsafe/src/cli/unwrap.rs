//! `unwrap`: take the answer that a wrapping token stands for.

use serde_json::{Value, json};
use vouchsafe_api::{Credential, Request, Token};

use super::context::Context;
use super::expect_words;
use super::failure::{Exit, Failure, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};

/// Take what a wrapping token stands for
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe unwrap [options] [TOKEN]",
    after_help = "Without TOKEN, the token in use is the wrapping token. It works once.\n\n\
                  Example:\n  vouchsafe unwrap hvs.2vXl…"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 1)?;
    let format = args.output.format.resolve(&context.environment)?;
    let own = context.connect(&args.http)?.client().token();
    let request = request(args.words.first().map(String::as_str), own)?;
    match context.envelope(&request, "Error unwrapping")? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => nothing_inside(args.output.field, format, context),
    }
}

fn request(word: Option<&str>, own: Option<&Token>) -> Result<Request, Stop> {
    let path = "sys/wrapping/unwrap";
    let as_credential = Request::write(path, Value::Null)?;
    Ok(match (word, own) {
        (None, _) => as_credential,
        (Some(word), Some(own)) if own.expose() == word => as_credential,
        (Some(word), Some(_)) => Request::write(path, json!({ "token": word }))?,
        // Who has no token may unwrap all the same: the wrapping token is the credential.
        (Some(word), None) => as_credential.with_credential(Credential::Other(Token::new(word))),
    })
}

fn nothing_inside(
    field: Option<String>,
    format: Format,
    context: &mut Context,
) -> Result<Exit, Stop> {
    if let Some(field) = field {
        let present = Vec::new();
        return Err(Failure::FieldAbsent { field, present }.into());
    }
    if format == Format::Table {
        let text = "Successfully unwrapped. There was no data in the wrapped secret.";
        context.console.line(text);
    }
    Ok(Exit::Success)
}
