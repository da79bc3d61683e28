//! `login -method=oidc`: a person logs in at the provider in a browser, which comes back to a
//! listener of this command (RFC 8252).
//!
//! The server makes state, nonce and code verifier; this side has a nonce of its own, which the server
//! wants to see again, and takes no answer for another state than the one it asked for. What comes in
//! from the browser is shown nowhere unescaped.

mod browser;
mod listener;
mod options;
mod page;

use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value, json};
use vouchsafe_api::{Credential, Envelope, Request};
use vouchsafe_logical::EntropyExt;

use self::listener::{Answered, Listener};
use self::options::Options;
use self::page::Page;
use super::console::io_fault;
use super::context::Context;
use super::failure::{Failure, Stop};
use crate::ports::SystemEntropy;

/// How long a person has; the server has forgotten the login soon after.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(9 * 60);
/// What begins the text of a failure, as with every method.
const DOING: &str = "Error authenticating";
/// How many characters the nonce of this side has: 119 bits.
const CLIENT_NONCE_CHARACTERS: usize = 20;
/// What is passed on of the provider's answer, where it is there.
const PASSED_ON: [&str; 5] = ["code", "iss", "error", "error_description", "error_uri"];

/// Logs in at the mount `mount`.
pub(super) fn login(
    mount: &str,
    data: &Map<String, Value>,
    context: &mut Context,
) -> Result<Envelope, Stop> {
    let options = Options::parse(data)?;
    let bound = Listener::bind(&options.listen_address, options.port);
    let listener = context.connection()?.run(bound).map_err(|error| {
        let (address, port) = (&options.listen_address, options.port);
        let fault = io_fault(&error);
        Failure::server_side(format!("{DOING}: listen on {address}:{port}: {fault}"))
    })?;
    let client_nonce = SystemEntropy.base62(CLIENT_NONCE_CHARACTERS);
    let redirect_uri = options.redirect_uri(listener.port());
    let url = begin(mount, &options, &redirect_uri, &client_nonce, context)?;
    let state = state_of(&url)?;
    invite(&url, &options, context)?;
    let waiting = context
        .connection()?
        .run(listener.answer(&state, LOGIN_TIMEOUT));
    let answered = waiting.ok_or_else(|| {
        Failure::server_side(format!(
            "{DOING}: Timed out waiting for response from provider"
        ))
    })?;
    let ended = end(mount, &client_nonce, &answered, context);
    let page = match &ended {
        Ok(_) => Page::logged_in(),
        Err(Stop::Failed(failure)) => Page::failed(&reason(failure)),
        Err(Stop::Described(_)) => Page::failed("nothing was asked"),
    };
    context.connection()?.run(answered.show(page));
    ended
}

/// Why a login failed, for the page: what the server says, and nothing of how it was asked.
fn reason(failure: &Failure) -> String {
    let refusal = match failure {
        Failure::Request(request) => request.source.api(),
        _ => None,
    };
    refusal.map_or_else(|| failure.to_string(), |refusal| refusal.errors.join("; "))
}

/// Begins a login: where the browser goes.
fn begin(
    mount: &str,
    options: &Options,
    redirect_uri: &str,
    client_nonce: &str,
    context: &Context,
) -> Result<Url, Stop> {
    let body = json!({
        "role": options.role,
        "redirect_uri": redirect_uri,
        "client_nonce": client_nonce,
    });
    let request = Request::write(&format!("auth/{mount}/oidc/auth_url"), body)?
        .with_credential(Credential::Anonymous)
        .with_wrap_ttl(Some(Duration::ZERO));
    let envelope = context.envelope(&request, DOING)?;
    let url = envelope
        .as_ref()
        .and_then(|envelope| envelope.field("auth_url"));
    let url = url.and_then(Value::as_str).unwrap_or_default();
    if url.is_empty() {
        let (role, product) = (&options.role, context.program.product());
        let message = format!(
            "{DOING}: Unable to authorize role {role:?} with redirect_uri {redirect_uri:?}. Check \
             {product} logs for more information."
        );
        return Err(Failure::server_side(message).into());
    }
    // Nothing but a page is ever opened, whatever the server says.
    let url = Url::parse(url).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let none = || Failure::server_side(format!("{DOING}: the authorization URL is no web address"));
    Ok(url.ok_or_else(none)?)
}

/// The state of the login that was begun: an answer for another one is not of this login.
fn state_of(url: &Url) -> Result<String, Failure> {
    let found = url.query_pairs().find(|(name, _)| name == "state");
    let state = found.map(|(_, state)| state.into_owned());
    state.filter(|state| !state.is_empty()).ok_or_else(|| {
        Failure::server_side(format!("{DOING}: the authorization URL has no `state`"))
    })
}

/// Sends the person there.
fn invite(url: &Url, options: &Options, context: &mut Context) -> Result<(), Failure> {
    let console = &mut context.console;
    let how = match options.skip_browser {
        true => "Open the following link in your browser:",
        false => "Launching browser to:",
    };
    let text = format!("Complete the login via your OIDC provider. {how}\n\n    {url}\n\n");
    console.error_line(&text);
    if !options.skip_browser
        && let Err(error) = browser::open(url)
    {
        let fault = io_fault(&error);
        if options.abort_on_error {
            let message = format!("{DOING}: failed to launch the browser: {fault}");
            return Err(Failure::server_side(message));
        }
        console.error_line(&format!(
            "Error attempting to automatically open browser: '{fault}'.\n\
             Please visit the authorization URL manually."
        ));
    }
    console.error_line("Waiting for OIDC authentication to complete...");
    Ok(())
}

/// Ends the login with what the provider answered.
fn end(
    mount: &str,
    client_nonce: &str,
    answered: &Answered,
    context: &mut Context,
) -> Result<Envelope, Stop> {
    let path = format!("auth/{mount}/oidc/callback");
    let given = |name: &str| answered.parameter(name);
    if let Some(error) = given("error") {
        let description = given("error_description").unwrap_or_default();
        let text = [error, ": ", description].concat();
        // Anybody who knows the state can write it: no control characters reach the terminal.
        let text: String = text
            .chars()
            .take(300)
            .flat_map(char::escape_debug)
            .collect();
        let said = format!("The provider refused: {text}");
        context.console.error_line(said.trim_end_matches(": "));
    }
    let mut request = Request::read(&path)?
        .with_credential(Credential::Anonymous)
        .with_secret_query()
        .sent_once()
        .with_query("state", given("state").unwrap_or_default())
        .with_query("client_nonce", client_nonce);
    for name in PASSED_ON {
        if let Some(value) = given(name) {
            request = request.with_query(name, value);
        }
    }
    let nothing = || Failure::server_side(format!("{DOING}: the answer is empty"));
    Ok(context.envelope(&request, DOING)?.ok_or_else(nothing)?)
}
