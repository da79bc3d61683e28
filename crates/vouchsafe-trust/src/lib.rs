//! The keys of other issuers, and the verification of their tokens.
//!
//! Whoever accepts a JWT of somebody else holds an [`IssuerKeys`] for each issuer and asks it to
//! verify. Where the keys come from is a [`KeySource`]: keys in the configuration, addresses of JWK
//! Sets (RFC 7517), or OpenID Connect Discovery 1.0. Whether verified claims are in force now is
//! [`times`]; what is in them is the caller's to judge.
//!
//! Pure rules and I/O are apart: [`discovery`] reads documents, [`schedule`] says when keys are
//! fresh and when they may be fetched, [`times`] compares times; [`IssuerKeys`] alone fetches,
//! through the port [`vouchsafe_logical::Fetch`].
//!
//! Invariants that callers may rely on:
//! - A token is verified by the keys of the one issuer that was asked, and no others. Nothing in a
//!   token causes a request to an address of the token's choice.
//! - Tokens cannot drive traffic: an unknown `kid` or a bad signature causes one fetch, which all
//!   that wait share, and then none for a while ([`schedule::KeyRules::cool_down`]).
//! - A dead issuer costs bounded time and hangs nobody; its keys are kept, for a bounded while.
//! - A [`Refusal`] carries a stable reason, and its text names claims, never their values.

#![warn(missing_docs)]

pub mod discovery;
pub mod schedule;
pub mod times;

mod issuer_keys;
mod refusal;
mod source;
mod together;

pub use issuer_keys::{IssuerKeys, KeyState};
pub use refusal::{Refusal, RefusalKind};
pub use schedule::KeyRules;
pub use source::{ENDPOINTS_MAX, Endpoint, FetchRules, KeySource, PemKeysError, parse_pem_keys};
