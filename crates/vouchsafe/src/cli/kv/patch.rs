//! `kv patch`: change members of a secret.

use serde_json::{Map, Value, json};
use vouchsafe_api::{Method, Request};

use super::place::{MountFlag, Place};
use super::{get, put, show};
use crate::cli::context::{Context, failed};
use crate::cli::data;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{HttpFlags, OutputFlags};
use crate::cli::path_and_words;

/// Change members of a secret and keep the others
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv patch [options] PATH K=V...",
    after_help = "Example:\n  vouchsafe kv patch -mount=secret app/db password=-\n  \
                  vouchsafe kv patch -mount=secret -remove-data=user app/db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    mount: MountFlag,
    /// Change it only if this is the latest version now
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    cas: Option<i64>,
    /// How: `patch` (on the server), or `rw` (read, then write). Default: `patch`, else `rw`
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Member to remove; may repeat
    #[arg(long, value_name = "KEY")]
    remove_data: Vec<String>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let (path, pairs) = path_and_words(&args.words)?;
    if pairs.is_empty() && args.remove_data.is_empty() {
        return Err(Failure::usage("Must supply data").into());
    }
    let mut patch = data::parse(pairs, &mut context.console)?;
    patch.extend(
        args.remove_data
            .iter()
            .map(|key| (key.clone(), Value::Null)),
    );
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, path, context)?;
    if !place.is_versioned() {
        let text = "K/V engine mount must be version 2 for patch support";
        return Err(Failure::server_side(text).into());
    }
    match args.method.as_deref().unwrap_or_default() {
        "" | "patch" => on_the_server(&place, patch, &args, context),
        "rw" => read_then_write(&place, patch, &args, context),
        other => {
            let text = format!("Unsupported method provided to -method flag: {other}");
            Err(Failure::server_side(text).into())
        }
    }
}

fn on_the_server(
    place: &Place,
    patch: Map<String, Value>,
    args: &Args,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let body = json!({ "data": patch, "options": put::options(args.cas) });
    let request = Request::new(Method::Patch, &place.path("data"))?.with_body(body);
    let doing = format!("Error writing data to {}", request.path());
    let answer = context.send(&request, &doing)?;
    // Policies that were written before servers could patch allow to read and to write.
    if args.method.is_none() && matches!(answer.status(), 403 | 405) {
        return read_then_write(place, patch, args, context);
    }
    let envelope = answer
        .into_success()
        .and_then(|answer| answer.envelope())
        .map_err(|source| failed(&doing, &request, source))?;
    let envelope = envelope.unwrap_or_default();
    show::written(context, request.path(), &envelope, &args.output)
}

/// What was read is the condition of the write, so that nobody else's change is lost.
fn read_then_write(
    place: &Place,
    patch: Map<String, Value>,
    args: &Args,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let (path, envelope) = get::secret(place, None, context)?;
    let Some(secret) = envelope.field("data").and_then(Value::as_object) else {
        return Err(Failure::server_side(format!("No data found at {path}")).into());
    };
    let read = envelope
        .field("metadata")
        .and_then(|metadata| metadata.get("version")?.as_i64());
    let mut secret = secret.clone();
    secret.extend(patch);
    for key in &args.remove_data {
        secret.remove(key);
    }
    let cas = args.cas.filter(|cas| *cas >= 0).or(read);
    put::version(place, secret, cas, &args.output, context)
}
