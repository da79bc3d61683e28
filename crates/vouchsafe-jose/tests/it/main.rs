//! The tests of the crate's public surface, as one binary.

#![expect(
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test, here in every function"
)]

mod advisories;
mod cookbook;
mod fixtures;
mod hmac;
mod jwk;
mod jws;
mod jwt;
mod keys;
mod properties;
mod rfc;
mod signing;
mod wycheproof_json;
mod wycheproof_raw;
