//! JWS, JWK and JWT for Vouchsafe: sign a token, verify a token, read and publish keys.
//!
//! Implements the asymmetric signature part of JOSE: [RFC 7515] compact serialization, [RFC 7517]
//! keys and key sets, [RFC 7518] §3.3 to §3.5, [RFC 7519], [RFC 7638] thumbprints, [RFC 8037]
//! Ed25519, and the advice of [RFC 8725]. It deliberately has no encryption (JWE), no `none`, no
//! JSON serialization, no detached or unencoded payload, and follows no header that brings its own
//! key. HMAC ([RFC 7518] §3.2) is verified by types of its own in [`hmac`], which have no way into
//! anything that holds public keys.
//!
//! Pure: no I/O, no clock, no async. Time is an argument ([`NumericDate`]); randomness is drawn
//! only inside key generation and the signature schemes that need it, by aws-lc-rs.
//!
//! Invariants that callers may rely on:
//! - A [`VerifiedJws`] or [`VerifiedJwt`] exists only after a signature was checked. What is read
//!   from an [`UnverifiedJwt`] selects a key, or is compared with what its issuer says when asked.
//! - The algorithm comes from the key and the caller's [`AlgorithmSet`]; the token's `alg` can only
//!   agree or be refused.
//! - A [`PublicKey`] or [`SigningKey`] in hand is sound: RSA of 2048 to 8192 bits, points on their
//!   curve, private and public halves that match. It is parsed once and ready for use.
//! - Two parsers cannot disagree about an accepted token: duplicate JSON members and base64url that
//!   is not canonical are refused.
//! - Every input is bounded ([`limits`]) and no input can cause a panic.
//!
//! # Example
//!
//! ```
//! use vouchsafe_jose::{
//!     Algorithm, AlgorithmSet, ClaimRules, Jwk, JwkSet, JwsSigner, KeyId, NumericDate,
//!     SigningKey, jwt,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::Es256)?;
//! let key_id = KeyId::new("2026-03")?;
//! let published = JwkSet::from_iter([Jwk::for_signing_key(&key, Some(key_id.clone()))]);
//!
//! let signer = JwsSigner::new(key, key_id, None);
//! let token = signer.sign_compact(br#"{"iss":"https://id.example","aud":"ci","exp":1900000000}"#)?;
//!
//! let verified = jwt::verify(&token, &published, AlgorithmSet::ALL)?;
//! ClaimRules::new()
//!     .issuer("https://id.example")
//!     .audiences(["ci"])
//!     .verify(verified.claims(), NumericDate::from_seconds(1_800_000_000)?)?;
//! # Ok(())
//! # }
//! ```
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638
//! [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037
//! [RFC 8725]: https://www.rfc-editor.org/rfc/rfc8725

#![warn(missing_docs, clippy::indexing_slicing, clippy::as_conversions)]

mod algorithm;
mod base64url;
mod json;
mod key;
mod key_id;

pub mod hmac;
pub mod jwk;
pub mod jws;
pub mod jwt;
pub mod limits;

pub use algorithm::{Algorithm, AlgorithmSet, KeyType, UnknownAlgorithm};
pub use json::JsonError;
pub use jwk::{Jwk, JwkError, JwkSet, JwkSetError, SkippedKey, Thumbprint};
pub use jws::{JwsError, JwsHeader, JwsPart, JwsSigner, SignError, UnverifiedJws, VerifiedJws};
pub use jwt::{
    ClaimRules, Claims, ClaimsError, DecodedJwt, JwtError, NumericDate, NumericDateError,
    UnverifiedJwt, VerifiedJwt,
};
pub use key::{KeyError, PemError, PublicKey, RsaKeySize, SigningKey};
pub use key_id::{KeyId, KeyIdTooLong};
