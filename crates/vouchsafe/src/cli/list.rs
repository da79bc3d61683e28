//! `list`: show the keys under a path.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use vouchsafe_api::{Envelope, Request};

use super::context::{Context, failed};
use super::expect_words;
use super::failure::{Exit, Failure, Stop};
use super::flags::{Format, FormatFlags, HttpFlags};
use super::gotext;
use super::render;

/// List the keys under a path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe list [options] PATH",
    after_help = "Example:\n  vouchsafe list identity/oidc/key\n  \
                  vouchsafe list -detailed identity/entity/id"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Show what the server tells about each key. Also VOUCHSAFE_DETAILED
    #[arg(long)]
    detailed: bool,
    /// Begin after this key, where the path supports pages
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// Show at most this many keys, where the path supports pages
    #[arg(long, value_name = "COUNT")]
    limit: Option<i64>,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let detailed = args.detailed || context.environment.switch("DETAILED")?;
    let mut request = Request::list(&args.words[0])?;
    if let Some(after) = &args.after {
        request = request.with_query("after", after);
    }
    if let Some(limit) = args.limit.filter(|limit| *limit > 0) {
        request = request.with_query("limit", &limit.to_string());
    }
    context.connect(&args.http)?;
    self::request(&request, detailed, format, context)
}

/// Sends a list and prints the keys.
pub(crate) fn request(
    request: &Request,
    detailed: bool,
    format: Format,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let doing = format!("Error listing {}", request.path());
    let envelope = match context.find(request, &doing)? {
        Some(answer) => answer
            .envelope()
            .map_err(|source| failed(&doing, request, source))?,
        None => None,
    };
    let mut keys = envelope
        .as_ref()
        .and_then(Envelope::keys)
        .cloned()
        .unwrap_or_default();
    keys.sort_by_cached_key(gotext::render);
    match envelope.filter(|_| !keys.is_empty()) {
        Some(envelope) => {
            show(&envelope, keys, detailed, format, context);
            Ok(Exit::Success)
        }
        None if format == Format::Table => {
            Err(Failure::NothingAt(request.path().to_owned()).into())
        }
        // A program that reads JSON gets JSON in any case; the exit code says that it is empty.
        None => {
            context.console.line("{}");
            Ok(Exit::Server)
        }
    }
}

fn show(
    envelope: &Envelope,
    keys: Vec<Value>,
    detailed: bool,
    format: Format,
    context: &mut Context,
) {
    if format == Format::Table {
        render::warnings(context, envelope);
    }
    let details = envelope
        .field("key_info")
        .and_then(Value::as_object)
        .filter(|_| detailed);
    let text = table(&keys, details);
    let value = match details {
        Some(_) => render::envelope_value(envelope),
        None => Value::Array(keys),
    };
    context.print_value(&value, format, || text);
}

fn table(keys: &[Value], details: Option<&Map<String, Value>>) -> String {
    let of_key = |key: &Value| key.as_str().and_then(|key| details?.get(key)?.as_object());
    let columns: BTreeSet<&String> = keys.iter().filter_map(of_key).flat_map(Map::keys).collect();
    let mut table = super::table::Table::with_columns(
        std::iter::once("Keys".to_owned()).chain(columns.iter().map(|name| (*name).clone())),
    );
    for key in keys {
        let cells = columns.iter().map(|column| {
            of_key(key)
                .and_then(|details| details.get(*column))
                .map(|value| render::cell(column, value))
                .unwrap_or_default()
        });
        table.cells(std::iter::once(gotext::render(key)).chain(cells));
    }
    table.render()
}
