//! `token renew`: a longer life for a token.

use serde_json::json;
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::duration::{self, Seconds};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{HttpFlags, OutputFlags};

/// Renew a token
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe token renew [options] [TOKEN | ACCESSOR]",
    after_help = "Example:\n  vouchsafe token renew -increment=30m"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// Read the word as an accessor
    #[arg(long)]
    accessor: bool,
    /// How much longer. Default: as long as at first
    #[arg(long, short = 'i', value_name = "DURATION", value_parser = duration::parse)]
    increment: Option<Seconds>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, usize::from(args.accessor), 1)?;
    let increment = args.increment.unwrap_or_default().0;
    let request = match (args.words.first(), args.accessor) {
        (Some(accessor), true) => Request::new(Method::Post, "auth/token/renew-accessor")?
            .with_body(json!({"accessor": accessor, "increment": increment})),
        (Some(token), false) => Request::write(
            "auth/token/renew",
            json!({"increment": increment, "token": token}),
        )?,
        (None, _) => Request::write("auth/token/renew-self", json!({"increment": increment}))?,
    };
    context.connect(&args.http)?;
    match context.envelope(&request, "Error renewing token")? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => Err(Failure::server_side("Error renewing token: the answer is empty").into()),
    }
}
