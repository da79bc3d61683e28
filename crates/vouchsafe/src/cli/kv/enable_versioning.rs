//! `kv enable-versioning`: turn the history of a mount on.

use serde_json::json;
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::with_final_slash;

/// Let a key-value mount keep versions; there is no way back
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv enable-versioning [options] PATH",
    after_help = "Example:\n  vouchsafe kv enable-versioning secret/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let path = with_final_slash(&args.words[0]);
    let body = json!({ "options": { "version": "2" } });
    let request = Request::new(Method::Post, &format!("sys/mounts/{path}tune"))?.with_body(body);
    context.connect(&args.http)?;
    let doing = format!("Error tuning secrets engine {path}");
    if let Some(envelope) = context.envelope(&request, &doing)? {
        crate::cli::render::warnings(context, &envelope);
    }
    let done = format!("Success! Tuned the secrets engine at: {path}");
    context.console.line(&done);
    Ok(Exit::Success)
}
