//! Keys: what is sound, what is refused, and every form in which a key comes and goes.

use serde_json::{Value, json};
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, Jwk, JwkError, KeyError, KeyType, PemError, PublicKey, RsaKeySize,
    SigningKey,
};

use crate::fixtures::{decode, encode, jwk, key, key_id};

fn is_shared_between_threads<T: Send + Sync>() {}

#[test]
fn keys_are_shared_between_threads() {
    is_shared_between_threads::<SigningKey>();
    is_shared_between_threads::<PublicKey>();
    is_shared_between_threads::<vouchsafe_jose::JwsSigner>();
}

#[test]
fn pkcs8_round_trip() {
    for algorithm in Algorithm::ALL {
        let stored = key(algorithm).to_pkcs8().unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &stored).unwrap();
        assert_eq!(again.public_key(), key(algorithm).public_key());
        let signature = again.sign(b"m").unwrap();
        assert_eq!(signature.len(), again.signature_bytes());
        assert!(
            key(algorithm)
                .public_key()
                .verifies(algorithm, b"m", &signature)
        );
    }
}

#[test]
fn pkcs8_of_another_type_is_refused() {
    for algorithm in Algorithm::ALL {
        for other in Algorithm::ALL {
            let stored = key(other).to_pkcs8().unwrap();
            let same_type = algorithm.key_type() == other.key_type();
            match SigningKey::from_pkcs8(algorithm, &stored) {
                Ok(_) => assert!(same_type, "{algorithm} {other}"),
                Err(error) => {
                    assert!(!same_type, "{algorithm} {other}");
                    assert_eq!(
                        error,
                        KeyError::Invalid {
                            key_type: algorithm.key_type()
                        }
                    );
                }
            }
        }
    }
}

#[test]
fn pkcs8_with_bytes_missing_or_added_is_refused() {
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ] {
        let invalid = KeyError::Invalid {
            key_type: algorithm.key_type(),
        };
        let mut stored = key(algorithm).to_pkcs8().unwrap();
        let refused = |pkcs8: &[u8]| SigningKey::from_pkcs8(algorithm, pkcs8).unwrap_err();
        assert_eq!(refused(&[]), invalid);
        assert_eq!(refused(&stored[..stored.len() - 1]), invalid);
        stored.push(0);
        assert_eq!(refused(&stored), invalid);
    }
}

#[test]
fn generated_rsa_keys_have_the_size_asked_for() {
    let key = SigningKey::generate_rsa(Algorithm::Ps256, RsaKeySize::Bits3072).unwrap();
    assert_eq!(key.signature_bytes(), 384);
    assert_eq!(
        super::fixtures::key(Algorithm::Rs256).signature_bytes(),
        256
    );
    assert_eq!(
        SigningKey::generate_rsa(Algorithm::Es256, RsaKeySize::default()).unwrap_err(),
        KeyError::AlgorithmMismatch {
            algorithm: Algorithm::Es256,
            key_type: KeyType::Rsa
        }
    );
}

#[test]
fn debug_shows_no_private_numbers() {
    for algorithm in Algorithm::ALL {
        let shown = format!("{:?}", key(algorithm));
        assert!(shown.contains("redacted") && shown.len() < 300, "{shown}");
    }
}

#[test]
fn spki_and_pem_round_trip() {
    for algorithm in Algorithm::ALL {
        let public = key(algorithm).public_key();
        let der = public.to_spki_der().unwrap();
        let again = PublicKey::from_spki_der(&der).unwrap();
        assert_eq!(&again, public);
        assert_eq!(again.to_spki_der().unwrap(), der);
        let pem = public.to_pem().unwrap();
        assert!(pem.lines().all(|line| line.len() <= 64));
        assert_eq!(&PublicKey::from_pem(&pem).unwrap(), public);
        // Nothing in these forms says which algorithm: the key serves all of its type.
        assert_eq!(again.algorithms(), algorithm.key_type().algorithms());
        assert_eq!(public.algorithms(), AlgorithmSet::only(algorithm));
    }
}

#[test]
fn spki_with_bytes_missing_or_added_is_refused() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es384, Algorithm::EdDsa] {
        let mut der = key(algorithm).public_key().to_spki_der().unwrap();
        let refused = |der: &[u8]| PublicKey::from_spki_der(der).unwrap_err();
        assert_eq!(refused(&der[..der.len() - 1]), KeyError::UnsupportedDer);
        der.push(0);
        assert_eq!(refused(&der), KeyError::UnsupportedDer);
    }
    // A bare point is not a SubjectPublicKeyInfo.
    let x = serde_json::to_value(jwk(Algorithm::EdDsa)).unwrap()["x"].clone();
    let point = decode(x.as_str().unwrap());
    assert_eq!(
        PublicKey::from_spki_der(&point),
        Err(KeyError::UnsupportedDer)
    );
    assert_eq!(PublicKey::from_spki_der(&[]), Err(KeyError::UnsupportedDer));
}

/// Made with openssl for these tests.
const CERTIFICATE: &str = include_str!("../vectors/certificate.pem");
const CERTIFICATE_KEY: &str = include_str!("../vectors/certificate_key.pem");
const RSA_PKCS1: &str = include_str!("../vectors/rsa_pkcs1.pem");
const RSA_SPKI: &str = include_str!("../vectors/rsa_spki.pem");
const RSA_1024: &str = include_str!("../vectors/rsa_1024.pem");
const EC_COMPRESSED: &str = include_str!("../vectors/ec_compressed.pem");
const EC_UNCOMPRESSED: &str = include_str!("../vectors/ec_uncompressed.pem");
const SECP256K1: &str = include_str!("../vectors/secp256k1.pem");

#[test]
fn pem_of_certificate_and_pkcs1() {
    let from_certificate = PublicKey::from_pem(CERTIFICATE).unwrap();
    assert_eq!(
        from_certificate,
        PublicKey::from_pem(CERTIFICATE_KEY).unwrap()
    );
    assert_eq!(from_certificate.key_type(), KeyType::P256);
    assert_eq!(
        PublicKey::from_pem(RSA_PKCS1),
        PublicKey::from_pem(RSA_SPKI)
    );
    assert_eq!(
        PublicKey::from_pem(RSA_PKCS1).unwrap().key_type(),
        KeyType::Rsa
    );
}

#[test]
fn pem_with_a_compressed_point() {
    let compressed = PublicKey::from_pem(EC_COMPRESSED).unwrap();
    assert_eq!(compressed, PublicKey::from_pem(EC_UNCOMPRESSED).unwrap());
    let written = compressed.to_pem().unwrap();
    assert_eq!(written, EC_UNCOMPRESSED);
}

#[test]
fn pem_of_unsound_keys_is_refused() {
    assert_eq!(
        PublicKey::from_pem(RSA_1024),
        Err(KeyError::RsaModulusSize { found_bits: 1024 })
    );
    assert_eq!(
        PublicKey::from_pem(SECP256K1),
        Err(KeyError::UnsupportedDer)
    );
}

#[test]
fn pem_text_that_is_not_one_public_block_is_refused() {
    let good = key(Algorithm::Es256).public_key().to_pem().unwrap();
    let refused = |text: &str| PublicKey::from_pem(text).unwrap_err();
    for text in [
        String::new(),
        "text".to_owned(),
        format!("{good}{good}"),
        format!("comment\n{good}"),
        good.replace("-----END PUBLIC KEY-----", ""),
        good.replace("END PUBLIC KEY", "END CERTIFICATE"),
    ] {
        assert_eq!(
            refused(&text),
            KeyError::Pem(PemError::NotOneBlock),
            "{text}"
        );
    }
    for label in [
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "RSA PRIVATE KEY",
        "CERTIFICATE REQUEST",
    ] {
        let found = label.to_owned();
        let text = good.replace("PUBLIC KEY", label);
        assert_eq!(refused(&text), KeyError::Pem(PemError::Label { found }));
    }
    let spoiled = good.replace("MF", "M*");
    assert_eq!(refused(&spoiled), KeyError::Pem(PemError::NotBase64));
    let mislabelled = good.replace("PUBLIC KEY", "CERTIFICATE");
    assert_eq!(refused(&mislabelled), KeyError::UnsupportedDer);
    let windows = good.replace('\n', "\r\n");
    assert!(PublicKey::from_pem(&windows).is_ok());
}

#[test]
fn pem_length_at_the_limit_and_past_it() {
    use vouchsafe_jose::limits::PEM_BYTES_MAX;
    let good = key(Algorithm::Es256).public_key().to_pem().unwrap();
    let padded = |bytes: usize| format!("{good}{}", "\n".repeat(bytes - good.len()));
    assert!(PublicKey::from_pem(&padded(PEM_BYTES_MAX)).is_ok());
    let found_bytes = PEM_BYTES_MAX + 1;
    assert_eq!(
        PublicKey::from_pem(&padded(found_bytes)),
        Err(KeyError::Pem(PemError::TooLong { found_bytes }))
    );
}

#[test]
fn restriction_to_an_algorithm_of_another_type_is_refused() {
    let public = key(Algorithm::Es256).public_key();
    assert_eq!(
        public.restricted_to(Algorithm::Es384),
        Err(KeyError::AlgorithmMismatch {
            algorithm: Algorithm::Es384,
            key_type: KeyType::P256
        })
    );
    let any = PublicKey::from_spki_der(&key(Algorithm::Rs256).public_key().to_spki_der().unwrap());
    let only = any.unwrap().restricted_to(Algorithm::Ps512).unwrap();
    assert_eq!(only.algorithms(), AlgorithmSet::only(Algorithm::Ps512));
    // And it cannot be widened again.
    assert!(only.restricted_to(Algorithm::Rs256).is_err());
}

fn rsa_jwk(n: &[u8], e: &[u8]) -> Result<Jwk, JwkError> {
    let jwk = json!({"kty": "RSA", "n": encode(n), "e": encode(e)});
    Jwk::parse(&serde_json::to_vec(&jwk).unwrap())
}

/// An odd modulus of this many bits, without the structure of a factorable key.
fn modulus(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] >>= (8 - bits % 8) % 8;
    modulus
}

#[test]
fn rsa_modulus_size_at_the_limits_and_past_them() {
    const E: &[u8] = &[1, 0, 1];
    for bits in [2048, 2049, 3072, 8191, 8192] {
        assert!(rsa_jwk(&modulus(bits), E).is_ok(), "{bits}");
    }
    for bits in [8, 1024, 2041, 2047, 8193, 16384] {
        let expected = KeyError::RsaModulusSize { found_bits: bits };
        assert_eq!(
            rsa_jwk(&modulus(bits), E),
            Err(JwkError::Key(expected)),
            "{bits}"
        );
    }
    let mut even = modulus(2048);
    *even.last_mut().unwrap() = 0xfe;
    let expected = KeyError::Invalid {
        key_type: KeyType::Rsa,
    };
    assert_eq!(rsa_jwk(&even, E), Err(JwkError::Key(expected)));
}

#[test]
fn rsa_exponent_at_the_limits_and_past_them() {
    let n = modulus(2048);
    for good in [
        &[3][..],
        &[1, 0, 1],
        &[0xff, 0xff, 0xff, 0xff],
        &[1, 0, 0, 0, 1],
    ] {
        assert!(rsa_jwk(&n, good).is_ok(), "{good:?}");
    }
    for bad in [&[1][..], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &modulus(2048)] {
        assert_eq!(
            rsa_jwk(&n, bad),
            Err(JwkError::Key(KeyError::RsaExponent)),
            "{bad:?}"
        );
    }
}

#[test]
fn points_off_the_curve_are_refused() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let mut members = serde_json::to_value(jwk(algorithm)).unwrap();
        let mut y = decode(members["y"].as_str().unwrap());
        *y.last_mut().unwrap() ^= 1;
        members["y"] = json!(encode(&y));
        let expected = KeyError::Invalid {
            key_type: algorithm.key_type(),
        };
        assert_eq!(parse(&members), Err(JwkError::Key(expected.clone())));
        // The point at infinity has no coordinates; zeros are not on the curve.
        let zeros = encode(&vec![0; y.len()]);
        (members["x"], members["y"]) = (json!(zeros), json!(zeros));
        assert_eq!(parse(&members), Err(JwkError::Key(expected)));
    }
}

fn parse(members: &Value) -> Result<Jwk, JwkError> {
    Jwk::parse(&serde_json::to_vec(members).unwrap())
}

#[test]
fn coordinates_of_the_wrong_length_are_refused() {
    for (algorithm, member) in [
        (Algorithm::Es256, "x"),
        (Algorithm::Es384, "y"),
        (Algorithm::Es512, "x"),
        (Algorithm::EdDsa, "x"),
    ] {
        let good = serde_json::to_value(jwk(algorithm)).unwrap();
        let bytes = decode(good[member].as_str().unwrap());
        let longer = [&[0], &bytes[..]].concat();
        for wrong in [&bytes[1..], &longer, &[]] {
            let mut members = good.clone();
            members[member] = json!(encode(wrong));
            let expected = KeyError::Length {
                key_type: algorithm.key_type(),
                found_bytes: wrong.len(),
                expected_bytes: bytes.len(),
            };
            assert_eq!(
                parse(&members),
                Err(JwkError::Key(expected)),
                "{algorithm} {member}"
            );
        }
    }
}

#[test]
fn private_jwk_round_trip() {
    for algorithm in Algorithm::ALL {
        let text = key(algorithm).to_private_jwk(Some(&key_id("k"))).unwrap();
        let again = SigningKey::from_jwk(algorithm, text.as_bytes()).unwrap();
        assert_eq!(again.public_key(), key(algorithm).public_key());
        assert_eq!(
            again.to_pkcs8().unwrap(),
            key(algorithm).to_pkcs8().unwrap()
        );
        assert_eq!(*again.to_private_jwk(Some(&key_id("k"))).unwrap(), *text);
        let members: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&members["use"], &members["kid"]),
            (&json!("sig"), &json!("k"))
        );
    }
}

/// RUSTSEC-2022-0093: a private half never signs under a public half that is not its own.
#[test]
fn private_jwk_with_another_public_half_is_refused() {
    for algorithm in [
        Algorithm::Es256,
        Algorithm::Es512,
        Algorithm::EdDsa,
        Algorithm::Rs256,
    ] {
        let own = key(algorithm).to_private_jwk(None).unwrap();
        let other = SigningKey::generate(algorithm)
            .unwrap()
            .to_private_jwk(None)
            .unwrap();
        let mut mixed: Value = serde_json::from_str(&own).unwrap();
        let other: Value = serde_json::from_str(&other).unwrap();
        for member in ["x", "y", "n"] {
            if other.get(member).is_some() {
                mixed[member] = other[member].clone();
            }
        }
        let key_type = algorithm.key_type();
        assert_eq!(
            SigningKey::from_jwk(algorithm, &serde_json::to_vec(&mixed).unwrap()).unwrap_err(),
            JwkError::Key(KeyError::HalvesDiffer { key_type })
        );
    }
}

#[test]
fn private_jwk_faults() {
    let private = |algorithm: Algorithm| -> Value {
        serde_json::from_str(&key(algorithm).to_private_jwk(None).unwrap()).unwrap()
    };
    let parse = |algorithm, members: &Value| {
        SigningKey::from_jwk(algorithm, &serde_json::to_vec(members).unwrap()).unwrap_err()
    };
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        let mut members = private(Algorithm::Rs256);
        members.as_object_mut().unwrap().remove(member);
        assert_eq!(
            parse(Algorithm::Rs256, &members),
            JwkError::Missing { member }
        );
        let mut members = private(Algorithm::Rs256);
        let changed = [&[0x7f], &decode(members[member].as_str().unwrap())[..]].concat();
        members[member] = json!(encode(&changed));
        let expected = KeyError::HalvesDiffer {
            key_type: KeyType::Rsa,
        };
        assert_eq!(
            parse(Algorithm::Rs256, &members),
            JwkError::Key(expected),
            "{member}"
        );
    }
    let mut members = private(Algorithm::Rs256);
    members["oth"] = json!([]);
    assert_eq!(parse(Algorithm::Rs256, &members), JwkError::MultiPrime);

    for (algorithm, bytes) in [(Algorithm::Es384, 48), (Algorithm::EdDsa, 32)] {
        let mut members = private(algorithm);
        members["d"] = json!(encode(&vec![1; bytes + 1]));
        let expected = KeyError::Length {
            key_type: algorithm.key_type(),
            found_bytes: bytes + 1,
            expected_bytes: bytes,
        };
        assert_eq!(parse(algorithm, &members), JwkError::Key(expected));
        members["d"] = json!(encode(&vec![0; bytes]));
        let expected = KeyError::HalvesDiffer {
            key_type: algorithm.key_type(),
        };
        assert_eq!(parse(algorithm, &members), JwkError::Key(expected));
    }

    let members = private(Algorithm::Rs256);
    let (found, expected) = (Algorithm::Rs256, Algorithm::Ps256);
    assert_eq!(
        parse(Algorithm::Ps256, &members),
        JwkError::OtherAlgorithm { found, expected }
    );
    let mut members = private(Algorithm::Es256);
    members.as_object_mut().unwrap().remove("alg");
    let expected = KeyError::AlgorithmMismatch {
        algorithm: Algorithm::Es384,
        key_type: KeyType::P256,
    };
    assert_eq!(parse(Algorithm::Es384, &members), JwkError::Key(expected));
}

/// CVE-2017-15361: the moduli in question are powers of 65537 modulo every small prime, and so is
/// a power of 65537 itself.
#[test]
fn factorable_rsa_modulus_is_refused() {
    // Least significant byte first; 65537 = 2^16 + 1 adds the number to itself, two bytes up.
    let mut power = vec![1_u8];
    for _ in 0..130 {
        let shifted = [0, 0].into_iter().chain(power.iter().copied());
        let mut carry = 0;
        power = shifted
            .zip(power.iter().copied().chain([0, 0]))
            .map(|(one, other)| {
                let sum = u16::from(one) + u16::from(other) + carry;
                carry = sum >> 8;
                u8::try_from(sum & 0xff).unwrap()
            })
            .collect();
        power.push(u8::try_from(carry).unwrap());
    }
    let modulus: Vec<u8> = power
        .into_iter()
        .rev()
        .skip_while(|byte| *byte == 0)
        .collect();
    assert!(modulus.len() > 256);
    assert_eq!(
        rsa_jwk(&modulus, &[1, 0, 1]),
        Err(JwkError::Key(KeyError::RsaFactorable))
    );
}
