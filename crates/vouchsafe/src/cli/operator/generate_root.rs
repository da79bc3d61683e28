//! `operator generate-root`: a new root token, by the keepers.

use serde_json::{Map, Value, json};
use vouchsafe_api::Request;

use super::share::{given, object, text};
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::{Format, FormatFlags, HttpFlags};
use crate::cli::gotext;
use crate::cli::table::Table;

const DOING: &str = "Error generating root";
const PATH: &str = "sys/generate-root/attempt";

/// Make a root token; enough shares of the unseal key must be brought
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe operator generate-root [options] [KEY]",
    after_help = "Example:\n  vouchsafe operator generate-root -init\n  \
                  vouchsafe operator generate-root -nonce=…\n  \
                  vouchsafe operator generate-root -decode=… -otp=…"
)]
pub(crate) struct Args {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,

    /// Begin; prints the one-time password that the token will be hidden with
    #[arg(long)]
    init: bool,

    /// Show how far it is
    #[arg(long)]
    status: bool,

    /// Give it up
    #[arg(long)]
    cancel: bool,

    /// Print the token behind this encoded one; needs -otp
    #[arg(long, value_name = "TOKEN")]
    decode: Option<String>,

    /// The one-time password
    #[arg(long, value_name = "OTP")]
    otp: Option<String>,

    /// The nonce of the attempt that the share is for
    #[arg(long, value_name = "NONCE")]
    nonce: Option<String>,

    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 0, 1)?;
    let format = args.format.resolve(&context.environment)?;
    if let Some(encoded) = &args.decode {
        let token = decoded(encoded, args.otp.as_deref().unwrap_or_default())?;
        context.console.line(&token);
        return Ok(Exit::Success);
    }
    context.connect(&args.http)?;
    if args.init {
        let body = args
            .otp
            .as_ref()
            .map_or_else(|| json!({}), |otp| json!({ "otp": otp }));
        let state = object(context, &Request::write(PATH, body)?, DOING)?;
        return show(context, state, format);
    }
    if args.cancel {
        let mut request = Request::delete(PATH)?;
        if let Some(nonce) = &args.nonce {
            request = request.with_query("nonce", nonce);
        }
        context.execute(&request, DOING)?;
        context
            .console
            .line("Success! Root token generation canceled (if it was started)");
        return Ok(Exit::Success);
    }
    let state = object(context, &Request::read(PATH)?, DOING)?;
    if args.status {
        return show(context, state, format);
    }
    if state.get("started") != Some(&Value::Bool(true)) {
        return Err(Failure::Usage {
            message: "No root generation is in progress.".to_owned(),
            hint: Some("begin one with `vouchsafe operator generate-root -init`".to_owned()),
        }
        .into());
    }
    let nonce = args.nonce.clone().unwrap_or_else(|| text(&state, "nonce"));
    let key = given(&args.words, context)?;
    let body = json!({ "key": key, "nonce": nonce });
    let state = object(
        context,
        &Request::write("sys/generate-root/update", body)?,
        DOING,
    )?;
    show(context, state, format)
}

/// The token behind an encoded one: base64, then XOR with the one-time password.
fn decoded(encoded: &str, otp: &str) -> Result<String, Failure> {
    let fault = |text: &str| Failure::usage(format!("Cannot decode the token: {text}"));
    let bytes = base64_bytes(encoded.trim()).ok_or_else(|| fault("it is not base64"))?;
    if bytes.len() != otp.len() {
        return Err(fault("the one-time password has another length"));
    }
    let plain = bytes
        .iter()
        .zip(otp.bytes())
        .map(|(byte, otp)| byte ^ otp)
        .collect();
    String::from_utf8(plain).map_err(|_| fault("the one-time password is another one's"))
}

fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn show(context: &mut Context, state: Map<String, Value>, format: Format) -> Result<Exit, Stop> {
    let shown = Value::Object(state);
    context.print_value(&shown, format, || {
        let text = |name: &str| shown.get(name).map(gotext::render).unwrap_or_default();
        let mut table = Table::of_pairs();
        table.pair("Nonce", text("nonce"));
        table.pair("Started", text("started"));
        table.pair(
            "Progress",
            format!("{}/{}", text("progress"), text("required")),
        );
        table.pair("Complete", text("complete"));
        for (title, name) in [
            ("Encoded Token", "encoded_token"),
            ("OTP", "otp"),
            ("OTP Length", "otp_length"),
        ] {
            if !matches!(shown.get(name), None | Some(Value::Null)) && !text(name).is_empty() {
                table.pair(title, text(name));
            }
        }
        table.render()
    });
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_hidden_by_its_password_alone() {
        // "hvs.ab" XOR "123456".
        assert_eq!(decoded("WURAGlRU", "123456").unwrap(), "hvs.ab");
        let short = decoded("WURAGlRU", "12345").unwrap_err();
        assert!(short.to_string().contains("length"));
        assert!(decoded("?", "1").is_err());
    }
}
