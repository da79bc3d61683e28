//! The login of a person through an OpenID provider (OpenID Connect Core 1.0 §3.1): authorization
//! code flow with `state`, `nonce` and PKCE, always.
//!
//! [`auth_url`] begins a login and [`callback`] ends it. In between it is a [`pending`] login: in
//! memory, of bounded number and age, good for one callback. A restart, or another node, does not know
//! it, and whoever was logging in begins again.
//!
//! What protects a login:
//! - `state` ties the callback to one beginning, `client_nonce` to whoever began: somebody else's code
//!   or callback is worth nothing (login CSRF, session fixation).
//! - PKCE and the redirect URI tie the code to this login at the token endpoint; `nonce` ties the ID
//!   token to it; `iss` of the callback (RFC 9207), where there is one, must be the provider's (mix-up).
//! - Redirect URIs are compared as texts ([`redirect`]), and nothing here redirects anybody.
//! - The provider never sends a browser to the server itself: only the program that began passes the answer
//!   on, with its nonce (CVE-2026-33757).
//! - The provider's addresses come from its discovery document and are asked under the same guards.
//! - The ID token is verified by the keys and checks of every other login ([`id_token`]).

mod auth_url;
mod callback;
mod id_token;
mod pending;
mod provider;
mod redirect;

pub(super) use auth_url::ROUTE as AUTH_URL;
pub(super) use callback::ROUTE as CALLBACK;
pub(super) use pending::PendingLogins;
#[cfg(test)]
pub(super) use pending::{PENDING_AGE_MAX, PENDING_MAX};
pub(super) use redirect::is_callback_of_server;

use vouchsafe_logical::Error;

/// A refusal in Vault's words, by which user interfaces and command lines know it.
fn login_failed(reason: &'static str, message: impl std::fmt::Display) -> Error {
    Error::invalid_because(reason, format!("Vault login failed. {message}"))
}

/// A refusal of the ID token, in Vault's words.
fn verification_failed(reason: &'static str, message: impl std::fmt::Display) -> Error {
    Error::invalid_because(reason, format!("Token verification failed. {message}"))
}
