//! `lease revoke`: the end of a lease, or of all below a prefix.

use serde_json::json;
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;

/// Revoke a lease, or all leases below a prefix
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe lease revoke [options] ID",
    after_help = "Example:\n  vouchsafe lease revoke auth/userpass/login/bob/h0a1b…\n  \
                  vouchsafe lease revoke -prefix auth/userpass"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    /// Forget the leases even if what they stand for can't be revoked; needs -prefix
    #[arg(long, short = 'f')]
    force: bool,
    /// Read ID as the beginning of the ids
    #[arg(long)]
    prefix: bool,
    /// Wait for the end of the revocation
    #[arg(long)]
    sync: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let id = args.words[0].trim();
    if args.force && !args.prefix {
        return Err(Failure::usage("Specifying -force requires also specifying -prefix").into());
    }
    let path = match (args.force, args.prefix) {
        (true, _) => format!("sys/leases/revoke-force/{id}"),
        (false, true) => format!("sys/leases/revoke-prefix/{id}"),
        (false, false) => format!("sys/leases/revoke/{id}"),
    };
    let mut request = Request::new(Method::Put, &path)?;
    if !args.force {
        request = request.with_body(json!({ "sync": args.sync }));
    }
    let what = if args.prefix {
        format!("leases with prefix {id}")
    } else {
        format!("lease {id}")
    };
    let doing = if args.force {
        format!("Error force revoking {what}")
    } else {
        format!("Error revoking {what}")
    };
    context.connect(&args.http)?;
    context.execute(&request, &doing)?;
    context
        .console
        .line(&match (args.force, args.prefix, args.sync) {
            (true, _, _) => format!("Success! Force revoked any leases with prefix: {id}"),
            (false, true, true) => format!("Success! Revoked any leases with prefix: {id}"),
            (false, false, true) => format!("Success! Revoked lease: {id}"),
            (false, _, false) => "All revocation operations queued successfully!".to_owned(),
        });
    Ok(Exit::Success)
}
