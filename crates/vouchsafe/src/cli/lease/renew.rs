//! `lease renew`: a longer life for a lease.

use serde_json::json;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::duration::{self, Seconds};
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags, OutputFlags};

/// Renew a lease
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe lease renew [options] ID",
    after_help = "The leases of tokens are renewed with `vouchsafe token renew`.\n\n\
                  Example:\n  vouchsafe lease renew -increment=30m database/creds/app/2f6a…"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// How much longer. Default: as long as at first
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    increment: Option<Seconds>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let id = args.words[0].trim();
    let increment = args.increment.unwrap_or_default().0;
    let body = json!({ "increment": increment, "lease_id": id });
    let request = Request::write("sys/leases/renew", body)?;
    context.connect(&args.http)?;
    let doing = format!("Error renewing {id}");
    let envelope = context.envelope(&request, &doing)?;
    let nothing = || Failure::NothingAt(request.path().to_owned());
    let flags = OutputFlags {
        format: args.format,
        field: None,
    };
    context.print(&envelope.ok_or_else(nothing)?, &flags)
}
