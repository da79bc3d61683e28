//! `jwt decode`: what is in a token. Asks nobody and verifies nothing.

use serde_json::{Map, Value, json};
use vouchsafe_jose::DecodedJwt;
use vouchsafe_logical::{Clock as _, Timestamp};

use super::moment::Moment;
use super::printable;
use crate::cli::context::Context;
use crate::cli::expect_words;
use crate::cli::failure::{Exit, Failure, Stop};
use crate::cli::flags::FormatFlags;
use crate::cli::render;
use crate::cli::table::Table;
use crate::ports::SystemClock;

/// The claims that are points in time (RFC 7519 §4.1; OIDC Core §2).
const TIMES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

const NOTHING_VERIFIED: &str =
    "Nothing was verified: this is what the token says of itself, and anybody can write it.";

/// Print what is in a JWT, without verifying it
#[derive(clap::Args)]
#[command(
    override_usage = "vouchsafe jwt decode [options] TOKEN",
    after_help = "The token `-` is read from standard input, `@file` from a file, so that it does \
                  not end up in\nthe shell's history. No server is asked.\n\nExample:\n  \
                  vouchsafe jwt decode - < token\n  vouchsafe jwt decode -format=json @token"
)]
pub(crate) struct Args {
    #[command(flatten)]
    format: FormatFlags,
    #[arg(hide = true)]
    words: Vec<String>,
}

pub(crate) fn run(args: Args, context: &mut Context) -> Result<Exit, Stop> {
    expect_words(&args.words, 1, 1)?;
    let format = args.format.resolve(&context.environment)?;
    let token = super::token(&args.words[0], context)?;
    let decoded = DecodedJwt::parse(&token)
        .map_err(|fault| Failure::local(format!("this is no JWT: {fault}")))?;
    let now = SystemClock.now();
    context.print_value(&document(&decoded), format, || text(&decoded, now));
    Ok(Exit::Success)
}

/// For programs: nothing that depends on when it is asked.
fn document(decoded: &DecodedJwt) -> Value {
    let mut times = Map::new();
    for name in TIMES {
        if let Some(Moment::At(at)) = decoded.claims.get(name).map(Moment::of) {
            times.insert(name.to_owned(), at.to_string().into());
        }
    }
    json!({
        "verified": false,
        "header": decoded.header,
        "claims": decoded.claims,
        "times": times,
    })
}

fn text(decoded: &DecodedJwt, now: Timestamp) -> String {
    let mut header = Table::with_header(["Header", "Value"]);
    for (name, value) in &decoded.header {
        header.pair(&printable(name), printable(&render::cell(name, value)));
    }
    let mut claims = Table::with_header(["Claim", "Value"]);
    for (name, value) in &decoded.claims {
        claims.pair(&printable(name), printable(&cell(name, value, now)));
    }
    let mut parts = vec![header.render(), claims.render()];
    let remarks = remarks(decoded, now);
    if !remarks.is_empty() {
        parts.push(remarks.join("\n"));
    }
    parts.push(NOTHING_VERIFIED.to_owned());
    parts.join("\n\n")
}

fn cell(name: &str, value: &Value, now: Timestamp) -> String {
    if TIMES.contains(&name) {
        return format!("{value} ({})", Moment::of(value).in_words(now));
    }
    match value {
        // A claim that is a list or an object reads best as what it is.
        Value::Array(_) | Value::Object(_) => value.to_string(),
        scalar => render::cell(name, scalar),
    }
}

/// What a person should notice, worst first.
fn remarks(decoded: &DecodedJwt, now: Timestamp) -> Vec<String> {
    let mut remarks = Vec::new();
    match decoded.header.get("alg").and_then(Value::as_str) {
        Some(alg) if alg.eq_ignore_ascii_case("none") => {
            remarks.push("It is not signed (`alg` is `none`): no server may accept it.".to_owned());
        }
        Some(alg) if alg.starts_with("HS") => remarks.push(format!(
            "It is signed with a shared secret (`{alg}`): there is no public key to verify it with."
        )),
        Some(_) => {}
        None => remarks.push("It does not say how it is signed: `alg` is missing.".to_owned()),
    }
    match decoded.claims.get("exp").map(Moment::of) {
        Some(Moment::At(at)) if at <= now => remarks.push("It is expired.".to_owned()),
        Some(Moment::At(_)) => {}
        Some(Moment::Nonsense(_)) => remarks.push("Its `exp` is no time.".to_owned()),
        None => remarks.push("It has no `exp`: it does not say when it ends.".to_owned()),
    }
    if let Some(Moment::At(at)) = decoded.claims.get("nbf").map(Moment::of)
        && at > now
    {
        remarks.push("It is not valid yet.".to_owned());
    }
    if !decoded.claims.contains_key("aud") {
        remarks.push("It has no `aud`: it does not say whom it is for.".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: Value, claims: Value) -> String {
        let object = |value: Value| value.as_object().unwrap().clone();
        let decoded = DecodedJwt {
            header: object(header),
            claims: object(claims),
        };
        text(&decoded, Timestamp::from_second(1_700_000_000).unwrap())
    }

    #[test]
    fn a_token_is_shown_with_its_times_in_words() {
        let claims = json!({
            "iss": "https://issuer.example/", "aud": ["a", "b"], "admin": false,
            "exp": 1_700_000_600, "nested": {"x": 1},
        });
        let expected = "\
Header    Value
------    -----
alg       RS256

Claim     Value
-----     -----
iss       https://issuer.example/
aud       [\"a\",\"b\"]
admin     false
exp       1700000600 (2023-11-14T22:23:20Z, in 10 minutes)
nested    {\"x\":1}

Nothing was verified: this is what the token says of itself, and anybody can write it.";
        assert_eq!(shown(json!({"alg": "RS256"}), claims), expected);
    }

    #[test]
    fn what_a_person_should_notice_is_said() {
        for (header, claims, remark) in [
            (
                json!({}),
                json!({"a\n": "\u{1b}[2J"}),
                r"a\u{a}    \u{1b}[2J",
            ),
            (json!({"alg": "nOnE"}), json!({}), "It is not signed"),
            (
                json!({"alg": "HS256"}),
                json!({}),
                "a shared secret (`HS256`)",
            ),
            (json!({}), json!({}), "`alg` is missing"),
            (json!({}), json!({}), "no `exp`"),
            (json!({}), json!({}), "no `aud`"),
            (json!({}), json!({"exp": 1_700_000_000}), "It is expired."),
            (json!({}), json!({"exp": "soon"}), "Its `exp` is no time."),
            (
                json!({}),
                json!({"nbf": 1_700_000_001}),
                "It is not valid yet.",
            ),
        ] {
            let text = shown(header, claims);
            assert!(text.contains(remark), "{remark}: {text}");
        }
    }
}
