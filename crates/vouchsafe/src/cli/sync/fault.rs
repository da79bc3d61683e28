//! Why a sync failed. No fault shows a token or the content of a document.

use std::fmt;

use vouchsafe_logical::{FetchError, Fetched};

/// The most characters of a server's words in a message.
const WORDS_MAX: usize = 300;

/// Why a sync failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A file of this machine can't be read.
    Local(String),
    /// The source can't be read.
    Source(String),
    /// What the source serves may not be published.
    Documents(String),
    /// The publisher can't be reached or refused.
    Publisher(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(fault) => formatter.write_str(fault),
            Self::Source(fault) => write!(formatter, "the source can't be read: {fault}"),
            Self::Documents(fault) => write!(formatter, "nothing was uploaded: {fault}"),
            Self::Publisher(fault) => write!(formatter, "the upload failed: {fault}"),
        }
    }
}

/// The body of a successful answer, or what went wrong, in words.
pub(super) fn success(url: &str, answer: Result<Fetched, FetchError>) -> Result<Fetched, String> {
    let answer = answer.map_err(|error| format!("{url}: {error}"))?;
    match answer.status {
        200..=299 => Ok(answer),
        300..=399 => Err(format!(
            "{url} answers {}: redirects are not followed; name the final address",
            answer.status
        )),
        status => Err(format!("{url} answers {status}{}", words(&answer.body))),
    }
}

/// What an error's body says, in the shape of oidc.pub or of Vault.
fn words(body: &[u8]) -> String {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return String::new();
    };
    let error = &body["error"];
    let said = match (error["code"].as_str(), error["message"].as_str()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (None, Some(message)) => message.to_owned(),
        _ => body["errors"][0].as_str().unwrap_or_default().to_owned(),
    };
    let visible = said.chars().filter(|character| !character.is_control());
    match visible.take(WORDS_MAX).collect::<String>() {
        said if said.is_empty() => said,
        said => format!(" ({said})"),
    }
}
