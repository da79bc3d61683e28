//! What the provider is asked once a code is there: its token endpoint (OpenID Connect Core 1.0
//! §3.1.3) and its userinfo endpoint (§5.3).
//!
//! Both addresses come from the discovery document, and are asked as it was: no redirect, bounded time
//! and size, the address rules of the mount.

use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, byte_serialize};
use vouchsafe_logical::{Fetch, FetchRequest, Secret};
use vouchsafe_trust::discovery::ProviderMetadata;

use super::super::config::Config;
use super::auth_url::shortened;
use super::pending::Pending;

/// How large an answer of the provider may be, in bytes.
pub(in super::super) const ANSWER_BYTES_MAX: usize = 256 * 1024;

const OK: u16 = 200;

/// Error codes of authorization and token endpoints (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core
/// 1.0 §3.1.2.6), which may be repeated to whoever logs in. Every other text is the operator's.
const ERRORS: [&str; 19] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
];

/// The code in our own letters, if it is a registered one.
pub(super) fn known_error(code: &str) -> Option<&'static str> {
    ERRORS.into_iter().find(|known| *known == code)
}

/// What a code was exchanged for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    /// The ID token; nothing of it is believed yet.
    #[serde(default)]
    pub(super) id_token: Option<String>,
    /// Opens the userinfo endpoint.
    #[serde(default)]
    pub(super) access_token: Option<String>,
}

/// Why a code was not exchanged.
pub(super) struct NotExchanged {
    /// For whoever logs in.
    pub(super) message: String,
    /// For the operator; without the secrets that were sent.
    pub(super) detail: String,
}

impl NotExchanged {
    fn unavailable(detail: String) -> Self {
        Self {
            message: "the provider is not available".to_owned(),
            detail,
        }
    }
}

/// Exchanges a code for tokens.
pub(super) async fn exchange(
    config: &Config,
    metadata: &ProviderMetadata,
    pending: &Pending,
    code: &str,
    fetch: &dyn Fetch,
) -> Result<Tokens, NotExchanged> {
    let request = token_request(config, metadata, pending, code)?;
    let endpoint = request.url.clone();
    let answer = fetch.fetch(request).await;
    let answer =
        answer.map_err(|error| NotExchanged::unavailable(format!("POST {endpoint}: {error}")))?;
    if answer.status != OK {
        let secret = config.oidc_client_secret.expose();
        let sent = [secret, code, pending.verifier.expose()];
        return Err(refused(&endpoint, answer.status, &answer.body, sent));
    }
    serde_json::from_slice(&answer.body).map_err(|error| NotExchanged {
        message: "the answer of the provider can't be read".to_owned(),
        detail: format!("POST {endpoint}: no token response: {:?}", error.classify()),
    })
}

/// The token request (OpenID Connect Core 1.0 §3.1.3.1).
fn token_request(
    config: &Config,
    metadata: &ProviderMetadata,
    pending: &Pending,
    code: &str,
) -> Result<FetchRequest, NotExchanged> {
    let Some(endpoint) = &metadata.token_endpoint else {
        let detail = "the provider names no token_endpoint".to_owned();
        return Err(NotExchanged::unavailable(detail));
    };
    let (id, secret) = (&*config.oidc_client_id, config.oidc_client_secret.expose());
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &pending.redirect_uri)
        .append_pair("code_verifier", pending.verifier.expose());
    let basic = match Authentication::of(metadata) {
        Some(Authentication::Basic) => {
            let joined = format!("{}:{}", encoded(id), encoded(secret));
            Some(Secret::new(joined))
        }
        Some(Authentication::Post) => {
            form.append_pair("client_id", id)
                .append_pair("client_secret", secret);
            None
        }
        None => {
            let detail = "the provider takes neither client_secret_basic nor client_secret_post";
            return Err(NotExchanged::unavailable(detail.to_owned()));
        }
    };
    Ok(config.keys.guarded(FetchRequest {
        basic,
        bytes_max: ANSWER_BYTES_MAX,
        ..FetchRequest::post_form(endpoint, Secret::new(form.finish()))
    }))
}

/// How the client proves itself (OpenID Connect Core 1.0 §9).
#[derive(Clone, Copy)]
enum Authentication {
    Basic,
    Post,
}

impl Authentication {
    fn of(metadata: &ProviderMetadata) -> Option<Self> {
        let Some(methods) = &metadata.token_endpoint_auth_methods_supported else {
            return Some(Self::Basic);
        };
        let has = |name| methods.iter().any(|method| method == name);
        if has("client_secret_basic") {
            Some(Self::Basic)
        } else if has("client_secret_post") {
            Some(Self::Post)
        } else {
            None
        }
    }
}

/// Id and secret are encoded before they are joined (RFC 6749 §2.3.1).
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// An error response (RFC 6749 §5.2).
fn refused(endpoint: &str, status: u16, body: &[u8], sent: [&str; 3]) -> NotExchanged {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ErrorResponse {
        error: String,
        error_description: String,
    }
    let told: ErrorResponse = serde_json::from_slice(body).unwrap_or_default();
    let mut detail = format!(
        "POST {endpoint}: status {status}, error {:?}: {:?}",
        shortened(&told.error),
        shortened(&told.error_description)
    );
    // A provider may quote what it was sent.
    for secret in sent.into_iter().filter(|secret| !secret.is_empty()) {
        detail = detail.replace(secret, "(secret)");
    }
    let message = match known_error(&told.error) {
        Some(code) => code.to_owned(),
        None => format!("the provider answered with status {status}"),
    };
    NotExchanged { message, detail }
}

/// Further claims about who logged in, `subject` by the ID token. `None` where the provider has no such
/// endpoint.
///
/// # Errors
/// They can't be had, for the log.
pub(super) async fn userinfo(
    config: &Config,
    metadata: &ProviderMetadata,
    access_token: &str,
    subject: &str,
    fetch: &dyn Fetch,
) -> Result<Option<Map<String, Value>>, String> {
    let Some(endpoint) = &metadata.userinfo_endpoint else {
        return Ok(None);
    };
    let request = FetchRequest {
        bearer: Some(Secret::new(access_token.to_owned())),
        bytes_max: ANSWER_BYTES_MAX,
        ..FetchRequest::get(endpoint)
    };
    let answer = fetch.fetch(config.keys.guarded(request)).await;
    let answer = answer.map_err(|error| format!("GET {endpoint}: {error}"))?;
    if answer.status != OK {
        return Err(format!("GET {endpoint}: status {}", answer.status));
    }
    let claims: Map<String, Value> = serde_json::from_slice(&answer.body)
        .map_err(|_| format!("GET {endpoint}: {:?} is no JSON object", answer.media_type))?;
    // Whoever else's claims these are, they are not of who logged in (§5.3.2).
    match claims.get("sub") {
        Some(Value::String(found)) if found == subject => Ok(Some(claims)),
        _ => Err(format!("GET {endpoint}: `sub` is not that of the ID token")),
    }
}
