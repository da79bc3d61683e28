//! `read`: show what is at a path.

use vouchsafe_api::Request;

use super::context::{Context, failed};
use super::data;
use super::failure::{Exit, Failure, Stop};
use super::flags::{Format, HttpFlags, OutputFlags};
use super::path_and_words;

/// Read what is at a path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe read [options] PATH [K=V...]",
    after_help = "Example:\n  vouchsafe read identity/oidc/config\n  \
                  vouchsafe read -field=token identity/oidc/token/my-role"
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
    let mut request = Request::read(path)?;
    for (name, value) in data::into_query(data::parse(parameters, &mut context.console)?) {
        request = request.with_query(&name, &value);
    }
    context.connect(&args.http)?;
    let doing = format!("Error reading {}", request.path());
    let nothing = || Failure::NothingAt(request.path().to_owned());
    let answer = context.find(&request, &doing)?.ok_or_else(nothing)?;
    if format == Format::Raw {
        context
            .console
            .line(String::from_utf8_lossy(answer.body()).trim_end());
        return Ok(Exit::Success);
    }
    let envelope = answer
        .envelope()
        .map_err(|source| failed(&doing, &request, source))?;
    context.print(&envelope.ok_or_else(nothing)?, &args.output)
}
