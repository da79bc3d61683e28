//! Issuing identity tokens: the life of signing keys, what is published about them, and claims.
//!
//! Everything here is a function of records and a time that the caller gives; it reads no storage,
//! generates no key and signs nothing. Specified by Vault's `identity/oidc`, RFC 7517 (key sets),
//! RFC 9111 (`max-age`) and OpenID Connect Discovery 1.0.
//!
//! ```text
//!            published, known to          signs                still verifies
//!            nobody yet
//! ───────────┬──────────────┬─────────────┬────────────────────┬──────────────────────┬──────
//!            │   pending    │             │       active       │       retiring       │ gone
//!            published_at   known_from    active_from          successor's            expires_at
//!                                                              active_from
//! ```
//!
//! Invariants:
//! - The state of a key pair is derived from stored times, never stored: all nodes rotate in the same
//!   second without talking to each other.
//! - Unless it is forced to, a published pair never signs before `known_from`, when the last answer
//!   that left it out may no longer be cached ([`Promise`]).
//! - Unless it is forced to, a pair never leaves the key set before the last token that it signed has
//!   expired.

mod address;
mod claims;
mod discovery;
mod key_pair;
mod key_set;
mod named_key;
mod promise;
mod rotation;
#[cfg(test)]
mod tests;
mod unix_seconds;

pub use address::{ISSUER_BYTES_MAX, IssuerError, effective_issuer, parse_issuer};
pub use claims::RegisteredClaims;
pub use discovery::discovery_document;
pub use key_pair::{KeyMaterial, KeyPair, MaterialError, Publication, Spares};
pub use key_set::{KeySet, MAX_AGE_EMPTY_SECONDS, MAX_AGE_SECONDS_MAX, MAX_AGE_SECONDS_MIN};
pub use named_key::{
    ALGORITHMS, NamedKey, PAIRS_MAX, ROTATION_PERIOD_SECONDS_MIN, State, VERIFICATION_PERIODS_MAX,
};
pub use promise::{DELIVERY_MARGIN_SECONDS, PROMISE_SECONDS_MAX, Promise};
pub use rotation::{AlgorithmChanged, ChangeError, Dropped, Rotated};
pub use unix_seconds::UnixSeconds;
