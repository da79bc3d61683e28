//! `token revoke`: the end of a token, and by default of its children.

use serde_json::json;
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;

/// Revoke a token and its children
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe token revoke [options] [TOKEN | ACCESSOR]",
    after_help = "Example:\n  vouchsafe token revoke -self\n  vouchsafe token revoke -accessor ACCESSOR"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    /// Read the word as an accessor
    #[arg(long)]
    accessor: bool,
    /// Revoke the token in use
    #[arg(long = "self")]
    own: bool,
    /// `orphan` leaves the children; `path` revokes all tokens that a path has issued
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let request = request(&args)?;
    context.connect(&args.http)?;
    context.execute(&request, "Error revoking token")?;
    context
        .console
        .line("Success! Revoked token (if it existed)");
    Ok(Exit::Success)
}

fn request(args: &Args) -> Result<Request, Stop> {
    let word = match (args.words.as_slice(), args.own) {
        ([], true) => return Ok(Request::new(Method::Put, "auth/token/revoke-self")?),
        (words, true) => {
            let text = format!(
                "Too many arguments with -self (expected 0, got {})",
                words.len()
            );
            return Err(Failure::usage(text).into());
        }
        ([word], false) => word,
        ([], false) => {
            let text = "Not enough arguments (expected 1 or -self, got 0)";
            return Err(Failure::usage(text).into());
        }
        (words, false) => {
            let text = format!(
                "Too many arguments (expected 1 or -self, got {})",
                words.len()
            );
            return Err(Failure::usage(text).into());
        }
    };
    let token = json!({"token": word});
    Ok(match (args.accessor, args.mode.as_deref()) {
        (true, None) => Request::new(Method::Post, "auth/token/revoke-accessor")?
            .with_body(json!({"accessor": word})),
        (true, Some(_)) => {
            return Err(Failure::usage("Cannot use -accessor with -mode").into());
        }
        (false, None | Some("")) => Request::write("auth/token/revoke", token)?,
        (false, Some("orphan")) => Request::write("auth/token/revoke-orphan", token)?,
        (false, Some("path")) => {
            Request::new(Method::Put, &format!("sys/leases/revoke-prefix/{word}"))?
        }
        (false, Some(mode)) => {
            let message = format!("Invalid mode: {mode}; expected `orphan` or `path`");
            return Err(Failure::usage(message).into());
        }
    })
}
