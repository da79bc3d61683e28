//! `delete`: remove what is at a path.

use vouchsafe_api::Request;

use super::context::Context;
use super::data;
use super::failure::{Exit, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};
use super::path_and_words;

/// Delete what is at a path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe delete [options] PATH [K=V...]",
    after_help = "Example:\n  vouchsafe delete identity/oidc/role/my-role"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let format = args.output.format.resolve(&context.environment)?;
    let (path, parameters) = path_and_words(&args.words)?;
    let mut request = Request::delete(path)?;
    for (name, value) in data::into_query(data::parse(parameters, &mut context.console)?) {
        request = request.with_query(&name, &value);
    }
    context.connect(&args.http)?;
    let doing = format!("Error deleting {}", request.path());
    match context.envelope(&request, &doing)? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => {
            if format == Format::Table {
                let path = request.path();
                context
                    .console
                    .line(&format!("Success! Data deleted (if it existed) at: {path}"));
            }
            Ok(Exit::Success)
        }
    }
}
