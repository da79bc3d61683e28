//! Keys made once, tokens with any header, and the vector files.

use std::path::PathBuf;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use vouchsafe_jose::{Algorithm, Jwk, JwkSet, KeyId, KeyType, SigningKey};

/// The `kid` of every key here.
pub(crate) const KEY_ID: &str = "k1";

static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    // RSA keys are slow to make: one serves its six algorithms.
    let rsa = SigningKey::generate(Algorithm::Rs256)
        .unwrap()
        .to_pkcs8()
        .unwrap();
    Algorithm::ALL
        .into_iter()
        .map(|algorithm| match algorithm.key_type() {
            KeyType::Rsa => SigningKey::from_pkcs8(algorithm, &rsa).unwrap(),
            _ => SigningKey::generate(algorithm).unwrap(),
        })
        .collect()
});

/// The signing key for an algorithm.
pub(crate) fn key(algorithm: Algorithm) -> &'static SigningKey {
    KEYS.iter()
        .find(|key| key.algorithm() == algorithm)
        .unwrap()
}

/// The set that holds the public half of [`key`] under [`KEY_ID`].
pub(crate) fn key_set(algorithm: Algorithm) -> JwkSet {
    JwkSet::from_iter([jwk(algorithm)])
}

/// The public half of [`key`] under [`KEY_ID`].
pub(crate) fn jwk(algorithm: Algorithm) -> Jwk {
    Jwk::for_signing_key(key(algorithm), Some(key_id(KEY_ID)))
}

pub(crate) fn key_id(text: &str) -> KeyId {
    KeyId::new(text).unwrap()
}

/// A token with this header text and payload, signed by [`key`] whatever the header says.
pub(crate) fn token(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(payload.as_bytes())
    );
    let signature = key(algorithm).sign(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(&signature))
}

/// The header of a well-formed token by [`key`].
pub(crate) fn header(algorithm: Algorithm) -> String {
    format!(r#"{{"alg":"{algorithm}","kid":"{KEY_ID}"}}"#)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A file of `tests/vectors`.
pub(crate) fn committed(file: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A file or folder of the vectors beside the project's root; says so when they are absent.
#[expect(
    clippy::print_stdout,
    reason = "a skipped test must not look like a passed one"
)]
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

/// A JSON file of the vectors beside the project's root.
pub(crate) fn shared_json(name: &str) -> Option<Value> {
    Some(serde_json::from_slice(&std::fs::read(shared(name)?).unwrap()).unwrap())
}
