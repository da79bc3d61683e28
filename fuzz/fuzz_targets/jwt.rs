//! Claims sets: any payload, signed, is refused or read the same by both ways to a verified token.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, ClaimRules, Jwk, JwkSet, JwsSigner, KeyId, NumericDate, SigningKey,
    UnverifiedJwt, jwt,
};

static SIGNER: LazyLock<JwsSigner> = LazyLock::new(|| {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    JwsSigner::new(key, KeyId::new("k").unwrap(), None)
});

static KEYS: LazyLock<JwkSet> =
    LazyLock::new(|| JwkSet::from_iter([Jwk::for_signing_key(SIGNER.key(), None)]));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = UnverifiedJwt::parse(text);
    }
    let Ok(token) = SIGNER.sign_compact(bytes) else {
        return;
    };
    let verified = jwt::verify(&token, &KEYS, AlgorithmSet::ALL);
    let unverified = UnverifiedJwt::parse(&token);
    assert_eq!(verified.is_ok(), unverified.is_ok());
    let (Ok(verified), Ok(unverified)) = (verified, unverified) else {
        return;
    };
    assert_eq!(
        unverified.verify(&KEYS, AlgorithmSet::ALL).as_ref(),
        Ok(&verified)
    );

    let claims = verified.claims();
    let now = NumericDate::from_seconds(1_700_000_000).unwrap();
    if ClaimRules::new().verify(claims, now).is_ok() {
        assert!(
            claims
                .expires_at()
                .is_some_and(|expires_at| now < expires_at)
        );
        assert!(claims.audience().unwrap_or_default().is_empty());
    }
});
