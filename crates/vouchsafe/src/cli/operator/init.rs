//! `operator init`: make the keys of a new server.

use serde_json::{Value, json};
use vouchsafe_api::Request;

use super::share::{lines, object, text, texts};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{Format, FormatFlags, HttpFlags};

/// Make the keys of a new server, once
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator init [options]",
    after_help = "Exit codes of -status: 0 initialised, 1 error, 2 not initialised\n\n\
                  Example:\n  vouchsafe operator init -key-shares=5 -key-threshold=3"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,

    /// In how many shares the unseal key is split
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 5)]
    key_shares: u8,

    /// How many of them unseal the server
    #[arg(long, short = 't', value_name = "NUMBER", default_value_t = 3)]
    key_threshold: u8,

    /// With an automatic seal: in how many shares the recovery key is split; 0 = no recovery key
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    recovery_shares: u8,

    /// With an automatic seal: how many of them make the recovery key
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    recovery_threshold: u8,

    /// Only say whether the server is initialised
    #[arg(long)]
    status: bool,

    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 0)?;
    let format = args.format.resolve(&context.environment)?;
    context.connect(&args.http)?;
    if args.status {
        return status(context);
    }
    // Which keys there will be depends on who keeps the unseal key. Nobody is asked when the request
    // is only to be described.
    if context.connection()?.preview().is_none() {
        let doing = "Error checking seal status";
        let state = object(context, &Request::read("sys/seal-status")?, doing)?;
        if state.get("recovery_seal") == Some(&Value::Bool(true)) {
            return with_auto_seal(&args, &text(&state, "type"), format, context);
        }
    }
    let body = json!({ "secret_shares": args.key_shares, "secret_threshold": args.key_threshold });
    let request = Request::write("sys/init", body)?;
    let made = object(context, &request, "Error initializing")?;
    let (base64, token) = (texts(&made, "keys_base64"), text(&made, "root_token"));
    let shown = json!({
        "unseal_keys_b64": base64,
        "unseal_keys_hex": texts(&made, "keys"),
        "unseal_shares": args.key_shares,
        "unseal_threshold": args.key_threshold,
        "recovery_keys_b64": [],
        "recovery_keys_hex": [],
        "recovery_keys_shares": 0,
        "recovery_keys_threshold": 0,
        "root_token": token,
    });
    context.print_value(&shown, format, || {
        format!(
            "{}\nInitial Root Token: {token}\n\n\
             The unseal key is in {} shares, of which any {} unseal the server. Give each to\n\
             another person now: they are shown this once and kept nowhere. Without {} of them\n\
             nothing that is stored can ever be read again. `vouchsafe operator rekey` makes new\n\
             shares while the server is unsealed.",
            lines(&base64, "Unseal Key"),
            args.key_shares,
            args.key_threshold,
            args.key_threshold,
        )
    });
    Ok(Exit::Success)
}

fn with_auto_seal(
    args: &Args,
    kind: &str,
    format: Format,
    context: &mut Context,
) -> Result<Exit, Stop> {
    let (shares, threshold) = match args.recovery_shares {
        0 => (0, 0),
        shares => (shares, args.recovery_threshold),
    };
    let body = json!({ "recovery_shares": shares, "recovery_threshold": threshold });
    let request = Request::write("sys/init", body)?;
    let made = object(context, &request, "Error initializing")?;
    let (base64, token) = (
        texts(&made, "recovery_keys_base64"),
        text(&made, "root_token"),
    );
    let shown = json!({
        "unseal_keys_b64": [],
        "unseal_keys_hex": [],
        "unseal_shares": 0,
        "unseal_threshold": 0,
        "recovery_keys_b64": base64,
        "recovery_keys_hex": texts(&made, "recovery_keys"),
        "recovery_keys_shares": shares,
        "recovery_keys_threshold": threshold,
        "root_token": token,
    });
    context.print_value(&shown, format, || {
        let told = format!(
            "Initial Root Token: {token}\n\n\
             The seal `{kind}` keeps the unseal key: without it nothing that is stored can ever be\n\
             read again."
        );
        if base64.is_empty() {
            return format!("{told} There are no recovery keys, so nobody can make a root token.");
        }
        format!(
            "{}\n{told} Any {threshold} of the {shares} recovery keys make a root token or new recovery\n\
             keys, and unseal nothing. Give each to another person now: they are shown this once.",
            lines(&base64, "Recovery Key"),
        )
    });
    Ok(Exit::Success)
}

fn status(context: &mut Context) -> Result<Exit, Stop> {
    let answer = object(
        context,
        &Request::read("sys/init")?,
        "Error checking init status",
    )?;
    let initialized = answer.get("initialized") == Some(&Value::Bool(true));
    let (text, exit) = if initialized {
        ("Vault is initialized", Exit::Success)
    } else {
        ("Vault is not initialized", Exit::Server)
    };
    context.console.line(text);
    Ok(exit)
}
