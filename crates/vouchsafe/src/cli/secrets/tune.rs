//! `secrets tune`: change the settings of a secrets engine's mount.

use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::mount::TuneFlags;
use crate::cli::with_final_slash;

/// Change the settings of a secrets engine
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe secrets tune [options] PATH",
    after_help = "Example:\n  vouchsafe secrets tune -default-lease-ttl=1h team/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    tune: TuneFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let path = with_final_slash(&args.words[0]);
    let request =
        Request::new(Method::Post, &format!("sys/mounts/{path}tune"))?.with_body(args.tune.body());
    context.connect(&args.http)?;
    context.execute(&request, &format!("Error tuning secrets engine {path}"))?;
    context
        .console
        .line(&format!("Success! Tuned the secrets engine at: {path}"));
    Ok(Exit::Success)
}
