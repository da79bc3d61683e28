//! A share of the unseal key, as a keeper gives it, and answers outside the envelope.

use serde_json::{Map, Value};
use vouchsafe_api::Request;

use crate::cli::context::{self, Context};
use crate::cli::failure::{Failure, Stop};

/// The share in the words of a command, on standard input (`-`), or asked for.
pub(super) fn given(words: &[String], context: &mut Context) -> Result<String, Failure> {
    match words.first().map(String::as_str) {
        Some("-") => match context.console.read_input() {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(Failure::local(format!("Failed to read the key: {error}"))),
        },
        Some(key) => Ok(key.trim().to_owned()),
        None => context.ask_secret("Unseal Key"),
    }
}

/// Sends a request whose answer is an object without an envelope.
pub(super) fn object(
    context: &Context,
    request: &Request,
    doing: &str,
) -> Result<Map<String, Value>, Stop> {
    let answer = context.execute(request, doing)?.json();
    answer.map_err(|source| context::failed(doing, request, source).into())
}

/// A list of strings in an answer.
pub(super) fn texts(answer: &Map<String, Value>, name: &str) -> Vec<String> {
    let items = answer.get(name).and_then(Value::as_array);
    let texts = items.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// A string in an answer; empty where there is none.
pub(super) fn text(answer: &Map<String, Value>, name: &str) -> String {
    answer
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The shares, one in a line, as scripts expect them.
pub(super) fn lines(shares: &[String], title: &str) -> String {
    let lines = shares.iter().enumerate();
    lines
        .map(|(index, share)| format!("{title} {}: {share}\n", index + 1))
        .collect()
}
