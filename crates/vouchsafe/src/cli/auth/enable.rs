//! `auth enable`: mount an auth method.

use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::mount::EnableFlags;
use crate::cli::with_final_slash;

/// Enable an auth method
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe auth enable [options] TYPE",
    after_help = "Example:\n  vouchsafe auth enable approle\n  vouchsafe auth enable -path=github jwt"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    mount: EnableFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let asked = args.words[0].trim();
    let (kind, path) = (args.mount.type_for(asked), args.mount.path_for(asked));
    let request =
        Request::new(Method::Post, &format!("sys/auth/{path}"))?.with_body(args.mount.body(asked));
    context.connect(&args.http)?;
    context.execute(&request, &format!("Error enabling {kind} auth"))?;
    let what = if asked == "plugin" {
        format!("{kind} plugin")
    } else {
        format!("{kind} auth method")
    };
    let path = with_final_slash(path);
    context
        .console
        .line(&format!("Success! Enabled {what} at: {path}"));
    Ok(Exit::Success)
}
