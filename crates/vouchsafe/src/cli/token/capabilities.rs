//! `token capabilities`: what a token may do at a path.

use serde_json::{Value, json};
use vouchsafe_api::{Method, Request};

use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{FormatFlags, HttpFlags};
use crate::cli::gotext;
use crate::cli::render;

/// Print what a token may do at a path
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe token capabilities [options] [TOKEN | ACCESSOR] PATH",
    after_help = "Example:\n  vouchsafe token capabilities identity/oidc/token/my-role"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Read the first word as an accessor
    #[arg(long)]
    accessor: bool,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, if args.accessor { 2 } else { 1 }, 2)?;
    let format = args.format.resolve(&context.environment)?;
    let (endpoint, body, path) = match args.words.as_slice() {
        [accessor, path] if args.accessor => (
            "sys/capabilities-accessor",
            json!({"path": path, "accessor": accessor}),
            path,
        ),
        [token, path] => (
            "sys/capabilities",
            json!({"path": path, "token": token}),
            path,
        ),
        [path, ..] => ("sys/capabilities-self", json!({"path": path}), path),
        [] => return Err(Failure::usage("Not enough arguments (expected 1-2, got 0)").into()),
    };
    let request = Request::new(Method::Post, endpoint)?.with_body(body);
    context.connect(&args.http)?;
    let envelope = context.envelope(&request, "Error listing capabilities")?;
    let held = envelope
        .as_ref()
        .and_then(|envelope| {
            envelope
                .field("capabilities")
                .or_else(|| envelope.field(path))
        })
        .map_or_else(|| json!([]), render::sorted);
    let names = held.as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = names.iter().map(gotext::render).collect();
    names.sort();
    context.print_value(&Value::from(names.clone()), format, || names.join(", "));
    Ok(Exit::Success)
}
