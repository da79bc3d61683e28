//! `operator rekey`: new shares for the unseal key.

use serde_json::{Map, Value, json};
use vouchsafe_api::Request;

use super::share::{given, lines, object, text, texts};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{Format, FormatFlags, HttpFlags};
use crate::cli::gotext;
use crate::cli::table::Table;

const DOING: &str = "Error rekeying";

/// Make new shares of the unseal key; enough of the old ones must be brought
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator rekey [options] [KEY]",
    after_help = "Example:\n  vouchsafe operator rekey -init -key-shares=5 -key-threshold=3\n  \
                  vouchsafe operator rekey -nonce=…"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,

    /// Begin
    #[arg(long)]
    init: bool,

    /// Show how far it is
    #[arg(long)]
    status: bool,

    /// Give it up
    #[arg(long)]
    cancel: bool,

    /// What gets new shares: `barrier` is the unseal key, `recovery` the recovery key of an automatic
    /// seal
    #[arg(long, value_name = "KEY", default_value = "barrier")]
    target: Target,

    /// In how many shares the new unseal key is split
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 5)]
    key_shares: u8,

    /// How many of them unseal the server
    #[arg(long, short = 't', value_name = "NUMBER", default_value_t = 3)]
    key_threshold: u8,

    /// The nonce of the attempt that the share is for
    #[arg(long, value_name = "NONCE")]
    nonce: Option<String>,

    #[arg(hide = true)]
    words: Vec<String>,
}

/// What gets new shares.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Target {
    Barrier,
    Recovery,
}

impl Target {
    /// The path of an operation.
    fn path(self, operation: &str) -> String {
        match self {
            Self::Barrier => format!("sys/rekey/{operation}"),
            Self::Recovery => format!("sys/rekey-recovery-key/{operation}"),
        }
    }
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 1)?;
    let format = args.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    let (init, update) = (args.target.path("init"), args.target.path("update"));
    if args.init {
        let body =
            json!({ "secret_shares": args.key_shares, "secret_threshold": args.key_threshold });
        let state = object(context, &Request::write(&init, body)?, DOING)?;
        return show(context, state, format);
    }
    if args.cancel {
        let mut request = Request::delete(&init)?;
        if let Some(nonce) = &args.nonce {
            request = request.with_query("nonce", nonce);
        }
        context.execute(&request, DOING)?;
        context
            .console
            .line("Success! Canceled rekeying (if it was started)");
        return Ok(Exit::Success);
    }
    let state = object(context, &Request::read(&init)?, DOING)?;
    if args.status {
        return show(context, state, format);
    }
    if state.get("started") != Some(&Value::Bool(true)) {
        return Err(Failure::Usage {
            message: "No rekey is in progress.".to_owned(),
            hint: Some("begin one with `vouchsafe operator rekey -init`".to_owned()),
        }
        .into());
    }
    let nonce = args.nonce.clone().unwrap_or_else(|| text(&state, "nonce"));
    let key = given(&args.words, context)?;
    let body = json!({ "key": key, "nonce": nonce });
    let state = object(context, &Request::write(&update, body)?, DOING)?;
    show(context, state, format)
}

fn show(context: &mut Context, state: Map<String, Value>, format: Format) -> Result<Exit, Stop> {
    let shares = texts(&state, "keys_base64");
    let shown = Value::Object(state);
    context.print_value(&shown, format, || {
        if !shares.is_empty() {
            return format!(
                "{}\nOperation nonce: {}\n\nThe old shares are worth nothing any more. These are shown this once.",
                lines(&shares, "Key"),
                gotext::render(&shown["nonce"])
            );
        }
        let text = |name: &str| shown.get(name).map(gotext::render).unwrap_or_default();
        let mut table = Table::of_pairs();
        table.pair("Nonce", text("nonce"));
        table.pair("Started", text("started"));
        if shown["started"] == Value::Bool(true) {
            table.pair("Rekey Progress", format!("{}/{}", text("progress"), text("required")));
            table.pair("New Shares", text("n"));
            table.pair("New Threshold", text("t"));
        }
        table.render()
    });
    Ok(Exit::Success)
}
