//! JWK, public and private: what is accepted survives being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vouchsafe_jose::{Algorithm, Jwk, SigningKey};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(jwk) = Jwk::parse(bytes) {
        let again = Jwk::parse(&serde_json::to_vec(&jwk).unwrap()).unwrap();
        assert_eq!(again, jwk);
        assert_eq!(again.thumbprint(), jwk.thumbprint());
        assert!(!jwk.key().algorithms().is_empty());
    }
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ] {
        if let Ok(key) = SigningKey::from_jwk(algorithm, bytes) {
            let text = key.to_private_jwk(None).unwrap();
            let again = SigningKey::from_jwk(algorithm, text.as_bytes()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
            let signature = key.sign(b"message").unwrap();
            assert!(
                again
                    .public_key()
                    .verifies(algorithm, b"message", &signature)
            );
        }
    }
});
