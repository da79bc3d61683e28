//! `auth help`: how to log in by an auth method.

use serde_json::Value;
use vouchsafe_api::Request;

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::HttpFlags;
use crate::cli::login_method::LoginMethod;
use crate::cli::mount;
use crate::cli::with_final_slash;

/// Explain how to log in by an auth method
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe auth help [options] TYPE | PATH",
    after_help = "Example:\n  vouchsafe auth help userpass"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let name = args.words[0].trim();
    let method = match LoginMethod::of_type(name) {
        Some(method) => method,
        None => method_at(name, &args.http, context)?,
    };
    let text = context.program.speak(method.help());
    context.console.line(&text);
    Ok(Exit::Success)
}

fn method_at(path: &str, flags: &HttpFlags, context: &mut Context) -> Result<LoginMethod, Stop> {
    let path = with_final_slash(path);
    let request = Request::read("sys/auth")?;
    context.connect(flags)?;
    let mounts = mount::of(context.envelope(&request, "Error listing auth methods")?);
    let Some(kind) = mounts
        .get(&path)
        .and_then(|mount| mount.get("type"))
        .and_then(Value::as_str)
    else {
        let text = format!("No auth method available on the server at \"{path}\"");
        return Err(Failure::local(text).into());
    };
    let unknown = || Failure::local(format!("`login` does not know the auth method `{kind}`"));
    Ok(LoginMethod::of_type(kind).ok_or_else(unknown)?)
}
