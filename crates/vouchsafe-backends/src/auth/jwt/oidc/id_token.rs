//! What an ID token must be beyond what every token must be (OpenID Connect Core 1.0 §3.1.3.7): made
//! for this client, for this login, by the provider that was asked.

use aws_lc_rs::digest::{Algorithm as Hash, SHA256, SHA384, SHA512, digest};
use serde_json::Value;
use subtle::ConstantTimeEq;
use vouchsafe_jose::{Algorithm, NumericDate, VerifiedJwt};

use super::pending::base64url;

/// What an ID token is held against.
pub(super) struct Expected<'e> {
    /// The provider's issuer.
    pub(super) issuer: &'e str,
    /// This client.
    pub(super) client_id: &'e str,
    /// That of the login.
    pub(super) nonce: &'e str,
    /// The access token that came with it.
    pub(super) access_token: Option<&'e str>,
    /// How long ago the person may have logged in at the provider, in seconds; 0 for any time.
    pub(super) max_age: u64,
    /// How far the clocks may differ, in seconds.
    pub(super) clock_skew: u64,
}

/// Reason code and message; no value of the token.
pub(super) type Fault = (&'static str, &'static str);

impl Expected<'_> {
    /// Judges a token whose signature is verified.
    pub(super) fn check(&self, token: &VerifiedJwt, now: NumericDate) -> Result<(), Fault> {
        let claims = token.claims();
        if claims.issuer() != Some(self.issuer) {
            return Err((
                "issuer_mismatch",
                "invalid issuer (iss) claim: it is not the provider's",
            ));
        }
        let audience = claims.audience().unwrap_or_default();
        if !audience.iter().any(|audience| audience == self.client_id) {
            return Err((
                "audience_mismatch",
                "invalid audience (aud) claim: it does not name this client",
            ));
        }
        match claims.get("azp") {
            None if audience.len() == 1 => {}
            Some(Value::String(azp)) if azp == self.client_id => {}
            _ => {
                return Err((
                    "audience_mismatch",
                    "invalid authorized party (azp) claim: it is not this client",
                ));
            }
        }
        if claims.subject().is_none_or(str::is_empty) {
            return Err(("claim_missing", "no subject (sub) claim"));
        }
        let nonce = claims.get("nonce").and_then(Value::as_str);
        let nonce = nonce.unwrap_or_default().as_bytes();
        if !bool::from(nonce.ct_eq(self.nonce.as_bytes())) {
            return Err(("nonce_mismatch", "invalid ID token nonce"));
        }
        self.check_access_token(token)?;
        self.check_age(claims.get("auth_time"), now)
    }

    /// §3.1.3.8: an access token that was swapped for another one's is not that of the ID token.
    fn check_access_token(&self, token: &VerifiedJwt) -> Result<(), Fault> {
        let (Some(found), Some(access_token)) = (token.claims().get("at_hash"), self.access_token)
        else {
            return Ok(());
        };
        let whole = digest(hash_of(token.header().algorithm()), access_token.as_bytes());
        let (half, _) = whole.as_ref().split_at(whole.as_ref().len() / 2);
        if found.as_str() == Some(&base64url(half)) {
            return Ok(());
        }
        Err((
            "access_token_mismatch",
            "invalid at_hash claim: it is not that of the access token",
        ))
    }

    fn check_age(&self, auth_time: Option<&Value>, now: NumericDate) -> Result<(), Fault> {
        if self.max_age == 0 {
            return Ok(());
        }
        let Some(auth_time) = auth_time.and_then(Value::as_u64) else {
            return Err((
                "claim_missing",
                "no auth_time claim, and the role has a max_age",
            ));
        };
        let latest = auth_time
            .saturating_add(self.max_age)
            .saturating_add(self.clock_skew);
        if now.seconds() <= latest {
            return Ok(());
        }
        Err((
            "login_too_old",
            "invalid auth_time claim: the login at the provider is older than the role's max_age",
        ))
    }
}

/// The hash of a signature algorithm.
const fn hash_of(algorithm: Algorithm) -> &'static Hash {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &SHA256,
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &SHA384,
        // Ed25519 hashes with SHA-512 itself (RFC 8032 §5.1).
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Es512 | Algorithm::EdDsa => &SHA512,
    }
}
