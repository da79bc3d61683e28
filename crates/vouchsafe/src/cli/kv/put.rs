//! `kv put`: store a secret.

use serde_json::{Map, Value, json};
use vouchsafe_api::Request;

use super::place::{MountFlag, Place};
use super::show;
use crate::cli::context::Context;
use crate::cli::data;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{Format, HttpFlags, OutputFlags};
use crate::cli::path_and_words;

/// Store a secret, as a new version where the mount keeps versions
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe kv put [options] PATH K=V...",
    after_help = "Values are strings; `key=@file` takes a file's text, `key=-` standard input; `@file` \
                  and `-`\nalone take a whole JSON object.\n\nExample:\n  \
                  vouchsafe kv put -mount=secret app/db user=app password=-\n  \
                  vouchsafe kv put -mount=secret -cas=0 app/db @secret.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten)]
    mount: MountFlag,
    /// Store it only if this is the latest version now; 0: only if there is none
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    cas: Option<i64>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    let (path, pairs) = path_and_words(&args.words)?;
    if pairs.is_empty() {
        return Err(Failure::usage("Must supply data").into());
    }
    let format = args.output.format.resolve(&context.environment)?;
    let secret = data::parse(pairs, &mut context.console)?;
    context.connect(&args.http)?;
    let place = Place::find(&args.mount, path, context)?;
    if place.is_versioned() {
        return version(&place, secret, args.cas, &args.output, context);
    }
    let request = Request::write(&place.path("data"), Value::Object(secret))?;
    let doing = format!("Error writing data to {}", request.path());
    match context.envelope(&request, &doing)? {
        Some(envelope) => context.print(&envelope, &args.output),
        None => {
            if format == Format::Table {
                let path = request.path();
                context
                    .console
                    .line(&format!("Success! Data written to: {path}"));
            }
            Ok(Exit::Success)
        }
    }
}

/// Stores a new version, and prints its metadata.
pub(super) fn version(
    place: &Place,
    secret: Map<String, Value>,
    cas: Option<i64>,
    flags: &OutputFlags,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let body = json!({ "data": secret, "options": options(cas) });
    let request = Request::write(&place.path("data"), body)?;
    let doing = format!("Error writing data to {}", request.path());
    let envelope = context.envelope(&request, &doing)?.unwrap_or_default();
    show::written(context, request.path(), &envelope, flags)
}

/// The `options` of a write. A number below 0 stands for none, as in Vault.
pub(super) fn options(cas: Option<i64>) -> Value {
    match cas.filter(|cas| *cas >= 0) {
        Some(cas) => json!({ "cas": cas }),
        None => json!({}),
    }
}
