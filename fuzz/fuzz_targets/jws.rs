//! Compact JWS: no input panics, none verifies, and a JWS around any payload does.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vouchsafe_jose::{Algorithm, AlgorithmSet, Jwk, JwkSet, JwsSigner, KeyId, SigningKey, jws};

static SIGNER: LazyLock<JwsSigner> = LazyLock::new(|| {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    JwsSigner::new(key, KeyId::new("k").unwrap(), None)
});

static KEYS: LazyLock<JwkSet> =
    LazyLock::new(|| JwkSet::from_iter([Jwk::for_signing_key(SIGNER.key(), None)]));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(jws::verify(text, &KEYS, AlgorithmSet::ALL).is_err());
    }
    if let Ok(token) = SIGNER.sign_compact(bytes) {
        let verified = jws::verify(&token, &KEYS, AlgorithmSet::ALL).unwrap();
        assert_eq!(verified.payload(), bytes);
    }
});
