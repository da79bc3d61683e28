//! Wycheproof's raw signature suites, for the parameters that JOSE uses.
//!
//! The keys come in as PEM and DER, so the suites also exercise the import of public keys.

use vouchsafe_jose::{Algorithm, KeyType, PublicKey};
use wycheproof::TestResult;

#[track_caller]
fn check(algorithm: Algorithm, key: &PublicKey, message: &[u8], signature: &[u8], case: Case<'_>) {
    let accepted = key.verifies(algorithm, message, signature);
    match case.result {
        TestResult::Valid => assert!(accepted, "{} {}: refused", case.number, case.comment),
        TestResult::Invalid => assert!(!accepted, "{} {}: accepted", case.number, case.comment),
        TestResult::Acceptable => {}
    }
}

struct Case<'c> {
    number: usize,
    comment: &'c str,
    result: TestResult,
}

/// Both textual forms of a key give the same key.
#[track_caller]
fn import(pem: &str, der: &[u8], key_type: KeyType) -> PublicKey {
    let key = PublicKey::from_pem(pem).unwrap();
    assert_eq!(key, PublicKey::from_spki_der(der).unwrap());
    assert_eq!(key.key_type(), key_type);
    key
}

macro_rules! run_suite {
    ($module:ident, $name:ident, $algorithm:expr) => {{
        let algorithm: Algorithm = $algorithm;
        let suite = wycheproof::$module::TestSet::load(wycheproof::$module::TestName::$name);
        let suite = suite.unwrap();
        let mut cases = 0;
        for group in &suite.test_groups {
            let key = import(&group.pem, &group.der, algorithm.key_type());
            for test in &group.tests {
                let case = Case {
                    number: test.tc_id,
                    comment: &test.comment,
                    result: test.result,
                };
                check(algorithm, &key, &test.msg, &test.sig, case);
                cases += 1;
            }
        }
        assert_eq!(cases, suite.number_of_tests);
        assert!(cases > 50, "the suite is not empty");
    }};
}

#[test]
fn ecdsa_p1363() {
    run_suite!(ecdsa, EcdsaSecp256r1Sha256P1363, Algorithm::Es256);
    run_suite!(ecdsa, EcdsaSecp384r1Sha384P1363, Algorithm::Es384);
    run_suite!(ecdsa, EcdsaSecp521r1Sha512P1363, Algorithm::Es512);
}

#[test]
fn ed25519() {
    run_suite!(eddsa, Ed25519, Algorithm::EdDsa);
}

#[test]
fn rsa_pkcs1_2048_and_3072() {
    run_suite!(rsa_pkcs1_verify, Rsa2048Sha256, Algorithm::Rs256);
    run_suite!(rsa_pkcs1_verify, Rsa2048Sha384, Algorithm::Rs384);
    run_suite!(rsa_pkcs1_verify, Rsa2048Sha512, Algorithm::Rs512);
    run_suite!(rsa_pkcs1_verify, Rsa3072Sha256, Algorithm::Rs256);
    run_suite!(rsa_pkcs1_verify, Rsa3072Sha384, Algorithm::Rs384);
    run_suite!(rsa_pkcs1_verify, Rsa3072Sha512, Algorithm::Rs512);
}

#[test]
fn rsa_pkcs1_4096_and_8192() {
    run_suite!(rsa_pkcs1_verify, Rsa4096Sha256, Algorithm::Rs256);
    run_suite!(rsa_pkcs1_verify, Rsa4096Sha384, Algorithm::Rs384);
    run_suite!(rsa_pkcs1_verify, Rsa4096Sha512, Algorithm::Rs512);
    run_suite!(rsa_pkcs1_verify, Rsa8192Sha256, Algorithm::Rs256);
    run_suite!(rsa_pkcs1_verify, Rsa8192Sha384, Algorithm::Rs384);
    run_suite!(rsa_pkcs1_verify, Rsa8192Sha512, Algorithm::Rs512);
}

#[test]
fn rsa_pss() {
    run_suite!(
        rsa_pss_verify,
        RsaPss2048Sha256Mgf1SaltLen32,
        Algorithm::Ps256
    );
    run_suite!(
        rsa_pss_verify,
        RsaPss3072Sha256Mgf1SaltLen32,
        Algorithm::Ps256
    );
    run_suite!(
        rsa_pss_verify,
        RsaPss4096Sha256Mgf1SaltLen32,
        Algorithm::Ps256
    );
    run_suite!(
        rsa_pss_verify,
        RsaPss2048Sha384Mgf1SaltLen48,
        Algorithm::Ps384
    );
    run_suite!(
        rsa_pss_verify,
        RsaPss4096Sha384Mgf1SaltLen48,
        Algorithm::Ps384
    );
    run_suite!(
        rsa_pss_verify,
        RsaPss4096Sha512Mgf1SaltLen64,
        Algorithm::Ps512
    );
}

/// RFC 7518 §3.5 fixes the salt to the length of the hash, and MGF1 to the same hash.
#[test]
fn rsa_pss_with_other_parameters_is_refused() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut refused = 0;
    for (name, algorithm) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::Ps256),
        (TestName::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::Ps256),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::Ps512),
    ] {
        let suite = TestSet::load(name).unwrap();
        for group in &suite.test_groups {
            let key = import(&group.pem, &group.der, KeyType::Rsa);
            // The suites also hold signatures with JOSE's own parameters, as invalid cases.
            for test in group
                .tests
                .iter()
                .filter(|test| test.result == TestResult::Valid)
            {
                assert!(
                    !key.verifies(algorithm, &test.msg, &test.sig),
                    "{}",
                    test.tc_id
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "the suites are not empty");
}
