//! The provider metadata document (OpenID Connect Discovery 1.0 §3), as far as tokens need it.

use serde::Serialize;
use vouchsafe_jose::Algorithm;

use super::ALGORITHMS;

/// The members in the order in which Vault sends them. There is no authorization endpoint: tokens
/// are read from the API, not handed out to browsers.
#[derive(Serialize)]
struct ProviderMetadata<'a> {
    issuer: &'a str,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [Algorithm; ALGORITHMS.len()],
}

/// The document for an effective issuer, as JSON.
#[must_use]
pub fn discovery_document(issuer: &str) -> Vec<u8> {
    let metadata = ProviderMetadata {
        issuer,
        jwks_uri: format!("{issuer}/.well-known/keys"),
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ALGORITHMS,
    };
    #[expect(clippy::expect_used, reason = "a struct of strings always serializes")]
    serde_json::to_vec(&metadata).expect("strings serialize")
}
