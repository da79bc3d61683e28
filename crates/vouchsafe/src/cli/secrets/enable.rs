//! `secrets enable`: mount a secrets engine.

use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::mount::EnableFlags;
use crate::cli::with_final_slash;

/// Enable a secrets engine
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe secrets enable [options] TYPE",
    after_help = "Example:\n  vouchsafe secrets enable -path=team -version=2 kv"
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
    let request = Request::new(Method::Post, &format!("sys/mounts/{path}"))?
        .with_body(args.mount.body(asked));
    context.connect(&args.http)?;
    context.execute(&request, "Error enabling")?;
    let what = if asked == "plugin" {
        format!("{kind} plugin")
    } else {
        format!("{kind} secrets engine")
    };
    let path = with_final_slash(path);
    context
        .console
        .line(&format!("Success! Enabled the {what} at: {path}"));
    Ok(Exit::Success)
}
