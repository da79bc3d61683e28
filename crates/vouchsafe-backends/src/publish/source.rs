//! `services/<subdomain>/source`: where a service's documents come from, if nobody uploads them.
//!
//! Either an issuer that this server can reach, which is asked again and again (`pull.rs`), or this
//! server's own issuer of identity tokens, whose keys are published in the moment in which they change.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, Reply, Route, Timestamp, input, rfc3339,
};

use super::answer::data;
use super::record::{self, Service};
use super::{Publish, shortened};

/// The mount path of this server's own issuer.
pub(super) const OWN: &str = "identity/oidc";
/// How often a source is asked where nobody says otherwise.
const INTERVAL: Duration = Duration::from_secs(300);
/// The shortest interval.
pub(super) const INTERVAL_MIN: Duration = Duration::from_secs(15);
/// The longest interval.
pub(super) const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The largest certificate bundle, in bytes.
pub(super) const CA_BYTES_MAX: usize = 64 * 1024;
/// The longest URL, token and path, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Where documents come from.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// This server's issuer of identity tokens.
    Own,
    /// Another server.
    Pulled(Pulled),
}

/// A server that is asked.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pulled {
    pub(super) url: String,
    pub(super) interval: Duration,
    pub(super) ca_pem: Option<String>,
    /// Sent to the server of `url` and to no other.
    pub(super) token: Option<String>,
    pub(super) token_file: Option<String>,
}

/// How a source has been, for all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceState {
    /// When it is asked next, by whichever node comes first.
    pub(super) next_at: Option<Timestamp>,
    pub(super) succeeded_at: Option<Timestamp>,
    /// When it was asked first.
    #[serde(default)]
    pub(super) since: Option<Timestamp>,
    /// Failures since it last succeeded.
    pub(super) failures: u32,
    pub(super) error: Option<String>,
}

input! {
    /// Body of a write; it replaces what was set.
    pub(super) struct SourceInput {
        /// The issuer's address, without `/.well-known/...`: `https://` (or `http://` at a loopback address).
        url: Option<String>,
        /// `identity/oidc`: this server's own issuer, instead of `url`.
        mount: Option<String>,
        /// How often it is asked.
        interval: Option<Duration>,
        /// Certificate authorities in PEM that alone are trusted.
        ca_cert: Option<String>,
        /// Sent as bearer token to the source, and to no other server.
        token: Option<String>,
        /// A file with that token, read each time. Needs `sudo`, since it names a file of the server.
        token_file: Option<String>,
    }
}

pub(super) const ROUTE: Route<Publish> = Route {
    pattern: "services/{subdomain}/source",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update::<SourceInput>(write),
        Method::delete(delete),
    ],
    exists: None,
    help: "Where the documents of a service are pulled from, and how that went.",
};

fn read<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        let service = publish.service(subdomain).await?;
        let source = service.source.as_ref().ok_or_else(Error::not_found)?;
        let state: Option<SourceState> = publish.view.read(&record::source(subdomain)).await?;
        Ok(Reply::data(shown(source, &state.unwrap_or_default())))
    })
}

fn write<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: SourceInput = call.input()?;
        let source = parse(input, call.caller.has_sudo)?;
        let subdomain = call.captured("subdomain");
        let set = |service: &mut Service| {
            service.source = Some(source.clone());
            Ok(())
        };
        let (service, ()) = publish.change(subdomain, set).await?;
        publish.forget_source(subdomain).await?;
        let own = publish.system.publications().own().name();
        let reply = Reply::empty();
        Ok(if matches!(source, Source::Own) && *own != service.issuer {
            reply.with_warning(format!(
                "this server's tokens have the issuer `{own}`, and not `{}`: verifiers refuse them there until `identity/oidc/config` says otherwise",
                service.issuer
            ))
        } else {
            reply
        })
    })
}

fn delete<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        let unset = |service: &mut Service| {
            service.source = None;
            Ok(())
        };
        match publish.change(subdomain, unset).await {
            Ok(_) => {}
            Err(error) if error.reason() == Error::not_found().reason() => {}
            Err(error) => return Err(error),
        }
        publish.forget_source(subdomain).await?;
        Ok(Reply::empty())
    })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_because("source_invalid", message)
}

fn parse(input: SourceInput, has_sudo: bool) -> Result<Source, Error> {
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let url = match (some(input.mount), some(input.url)) {
        (Some(mount), None) if mount.trim_end_matches('/') == OWN => return Ok(Source::Own),
        (Some(mount), None) => {
            return Err(invalid(format!(
                "`mount` is `{}`; expected `{OWN}`",
                shortened(&mount)
            )));
        }
        (None, Some(url)) => url,
        (Some(_), Some(_)) => return Err(invalid("give `url` or `mount`, not both")),
        (None, None) => return Err(invalid("a source needs `url` or `mount`")),
    };
    if url.contains('@') {
        // What stands before it may be a password, so the URL is not shown.
        return Err(invalid("`url` has user information; use `token` instead"));
    }
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if !is_web || url.contains(['?', '#']) || url.chars().any(char::is_whitespace) {
        return Err(invalid(format!(
            "`url` is `{}`; expected an address such as `https://10.0.0.1:6443`, without query and fragment",
            shortened(&url)
        )));
    }
    let interval = input.interval.unwrap_or(INTERVAL);
    if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        return Err(invalid(format!(
            "`interval` is {}; expected {} to {}",
            format_duration(interval),
            format_duration(INTERVAL_MIN),
            format_duration(INTERVAL_MAX)
        )));
    }
    let ca_pem = some(input.ca_cert);
    let (token, token_file) = (some(input.token), some(input.token_file));
    let lengths = [
        ("url", Some(&url), TEXT_BYTES_MAX),
        ("ca_cert", ca_pem.as_ref(), CA_BYTES_MAX),
        ("token", token.as_ref(), TEXT_BYTES_MAX),
        ("token_file", token_file.as_ref(), TEXT_BYTES_MAX),
    ];
    for (name, text, max) in lengths {
        if text.is_some_and(|text| text.len() > max) {
            return Err(invalid(format!("`{name}` is longer than {max} bytes")));
        }
    }
    if token.is_some() && token_file.is_some() {
        return Err(invalid("give `token` or `token_file`, not both"));
    }
    if token_file.is_some() && !has_sudo {
        // Else who may set sources could have any file of the server sent to an address of theirs.
        return Err(Error::denied("token_file_needs_sudo"));
    }
    if token_file
        .as_ref()
        .is_some_and(|path| !path.starts_with('/'))
    {
        return Err(invalid("`token_file` is not an absolute path"));
    }
    Ok(Source::Pulled(Pulled {
        url: url.trim_end_matches('/').to_owned(),
        interval,
        ca_pem,
        token,
        token_file,
    }))
}

/// A source without its token.
fn shown(source: &Source, state: &SourceState) -> Data {
    let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| rfc3339(at).into());
    match source {
        Source::Own => data([("mount", OWN.into())]),
        Source::Pulled(pulled) => data([
            ("url", pulled.url.as_str().into()),
            ("interval", format_duration(pulled.interval).into()),
            ("ca_cert", pulled.ca_pem.clone().into()),
            ("token_set", pulled.token.is_some().into()),
            ("token_file", pulled.token_file.clone().into()),
            ("succeeded_at", time(state.succeeded_at)),
            ("next_at", time(state.next_at)),
            ("failures", state.failures.into()),
            ("error", state.error.clone().into()),
        ]),
    }
}

impl Publish {
    /// A source has been set or taken away: it is asked at once, by whichever node comes first.
    async fn forget_source(&self, subdomain: &str) -> Result<(), Error> {
        let mut transaction = self.view.begin();
        transaction.delete(&self.view, &record::source(subdomain));
        transaction.commit().await?;
        Ok(())
    }
}
