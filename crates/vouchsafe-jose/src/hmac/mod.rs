//! HMAC-signed JWTs (RFC 7518 §3.2), kept apart from everything that public keys sign.
//!
//! A symmetric key makes what it verifies, so it is fit only for an issuer and a verifier that
//! share it by configuration; it is never part of a key set that somebody publishes. Hence types of
//! their own: a [`JwkSet`](crate::JwkSet) can't hold a [`SymmetricKey`], an
//! [`UnverifiedJwt`](crate::UnverifiedJwt) can't carry an [`HmacAlgorithm`], and no function takes
//! keys of both families. That is what makes the confusion of the two (CVE-2015-9235 and its many
//! successors) a program that does not compile.
//!
//! Invariants: a key serves the one algorithm that its JWK names, and is no shorter than that
//! algorithm's output. There is no signing.

mod algorithm;
mod jwt;
mod key;

pub use algorithm::HmacAlgorithm;
pub use jwt::{UnverifiedHmacJwt, VerifiedHmacJwt, verify};
pub use key::{SymmetricKey, SymmetricKeyError};
