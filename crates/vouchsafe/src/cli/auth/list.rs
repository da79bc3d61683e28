//! `auth list`: the auth methods that are enabled.

use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::mount::{Kind, ListFlags};

/// List the auth methods
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe auth list [options]",
    after_help = "Example:\n  vouchsafe auth list -detailed"
)]
pub(crate) struct Args {
    #[command(flatten)]
    list: ListFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let request = Request::read("sys/auth")?;
    args.list.print(
        context,
        &request,
        Kind::Auth,
        "Error listing enabled authentications",
    )
}
