//! `lease lookup`: when a lease ends.

use serde_json::json;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags, OutputFlags};

/// Show when a lease ends
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe lease lookup [options] ID",
    after_help = "Example:\n  vouchsafe lease lookup auth/userpass/login/bob/h0a1b…"
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
    let id = args.words[0].trim();
    let request = Request::write("sys/leases/lookup", json!({ "lease_id": id }))?;
    context.connect(&args.http)?;
    let doing = format!("error looking up lease id {id}");
    let envelope = context.envelope(&request, &doing)?;
    let nothing = || Failure::NothingAt(request.path().to_owned());
    let flags = OutputFlags {
        format: args.format,
        field: None,
    };
    context.print(&envelope.ok_or_else(nothing)?, &flags)
}
