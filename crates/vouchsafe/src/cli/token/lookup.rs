//! `token lookup`: what the server knows of a token.

use serde_json::json;
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{HttpFlags, OutputFlags};

/// Show a token's properties
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe token lookup [options] [TOKEN | ACCESSOR]",
    after_help = "Example:\n  vouchsafe token lookup\n  vouchsafe token lookup -accessor ACCESSOR"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// Read the word as an accessor
    #[arg(long)]
    accessor: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let request = match (args.words.as_slice(), args.accessor) {
        ([], false) => Request::read("auth/token/lookup-self")?,
        ([token], false) => {
            Request::new(Method::Post, "auth/token/lookup")?.with_body(json!({"token": token}))
        }
        ([accessor], true) => Request::new(Method::Post, "auth/token/lookup-accessor")?
            .with_body(json!({"accessor": accessor})),
        (words, accessor) => return Err(wrong_count(words.len(), accessor).into()),
    };
    context.connect(&args.http)?;
    match context.envelope(&request, "Error looking up token")? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => Err(Failure::server_side("Error looking up token: the answer is empty").into()),
    }
}

fn wrong_count(count: usize, accessor: bool) -> Failure {
    Failure::usage(match (count, accessor) {
        (0, true) => "Not enough arguments with -accessor (expected 1, got 0)".to_owned(),
        (_, true) => format!("Too many arguments with -accessor (expected 1, got {count})"),
        (_, false) => format!("Too many arguments (expected 0-1, got {count})"),
    })
}
