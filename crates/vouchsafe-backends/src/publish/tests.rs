//! What may be published, and what may not: each refusal, by its code.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, KeyId, SigningKey};
use vouchsafe_logical::{Data, Error, Timestamp};

use super::issuer::PublicIssuer;
use super::key_set::{self, KeyRules};
use super::metadata::{Issuers, LIST_ENTRIES_MAX, Metadata};
use super::retirement::{Leaving, PublishedKey, follow};

fn object(value: Value) -> Data {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn jwk(key_id: &str) -> Value {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    serde_json::to_value(Jwk::for_signing_key(
        &key,
        Some(KeyId::new(key_id).unwrap()),
    ))
    .unwrap()
}

/// A key with other members.
fn with(mut key: Value, members: Value) -> Value {
    for (name, value) in object(members) {
        key[name] = value;
    }
    key
}

/// An RSA modulus of so many bits that starts and ends like one.
fn rsa(bits: usize) -> Value {
    use base64::Engine as _;
    let mut modulus = vec![0xa7_u8; bits / 8];
    modulus[0] = 0xc5;
    let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(modulus);
    json!({ "kty": "RSA", "kid": "rsa", "n": n, "e": "AQAB", "alg": "RS256" })
}

fn checked(keys: Value, allowed: &[&str]) -> Result<(Vec<Value>, Vec<String>), Error> {
    let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    let rules = KeyRules {
        keys_max: 4,
        allowed_key_types: &allowed,
    };
    let mut warnings = Vec::new();
    let document = object(json!({ "keys": keys }));
    let keys = key_set::check(&document, rules, &mut warnings)?;
    Ok((keys, warnings))
}

#[track_caller]
fn refused(keys: Value, reason: &str, named: &str) {
    let error = checked(keys, &[]).expect_err(reason);
    assert_eq!(error.reason(), reason, "{error}");
    assert!(error.to_string().contains(named), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[test]
fn a_key_that_must_not_get_out_refuses_the_whole_set_and_is_named() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        let leaked = with(jwk("leaked"), json!({ (member): "canary" }));
        refused(json!([jwk("good"), leaked]), "private_key", "`leaked`");
        // Also as null: the member says what the key is.
        let leaked = with(jwk("leaked"), json!({ (member): null }));
        refused(json!([leaked]), "private_key", member);
    }
    // A key without a name is named by its place, and secrets come before all other faults.
    let nameless = json!({ "kty": "EC", "d": "canary" });
    refused(json!([rsa(1024), nameless]), "private_key", "number 2");
    let symmetric = json!({ "kty": "oct", "kid": "shared", "k": "canary" });
    refused(json!([jwk("good"), symmetric]), "symmetric_key", "`shared`");
    // A type that is allowed does not let its private members out.
    let leaked = json!({ "kty": "AKP", "kid": "pq", "pub": "AA", "priv": "canary" });
    let error = checked(json!([leaked]), &["AKP", "oct"]).unwrap_err();
    assert_eq!(error.reason(), "private_key");
    let symmetric = json!([{ "kty": "oct", "k": "canary" }]);
    assert_eq!(
        checked(symmetric, &["oct"]).unwrap_err().reason(),
        "symmetric_key"
    );
}

#[test]
fn keys_that_no_verifier_takes_are_refused() {
    refused(json!([rsa(2040)]), "rsa_key_length", "2040 bits");
    refused(json!([rsa(1024)]), "rsa_key_length", "`rsa`");
    assert!(checked(json!([rsa(2048)]), &[]).is_ok());
    refused(
        json!([{ "kty": "AKP", "kid": "pq", "pub": "AA" }]),
        "key_type_unknown",
        "`AKP`",
    );
    let curve = with(jwk("k1"), json!({ "crv": "secp256k1" }));
    refused(json!([curve]), "key_type_unknown", "`secp256k1`");
    refused(json!([{ "kid": "none" }]), "key_invalid", "`none`");
    refused(
        json!([with(jwk("bad"), json!({ "x": "AA" }))]),
        "key_invalid",
        "`bad`",
    );
    refused(
        json!([with(jwk("alg"), json!({ "alg": "RS256" }))]),
        "key_invalid",
        "`alg`",
    );
    refused(json!(["text"]), "key_invalid", "number 1");
    refused(json!("text"), "document_malformed", "`keys`");
    refused(json!([]), "no_keys", "no key");
    let encryption = with(jwk("enc"), json!({ "use": "enc" }));
    refused(json!([encryption]), "no_keys", "no key");
    let none = key_set::check(
        &Data::new(),
        KeyRules {
            keys_max: 1,
            allowed_key_types: &[],
        },
        &mut Vec::new(),
    );
    assert_eq!(none.unwrap_err().reason(), "document_incomplete");
}

#[test]
fn what_is_odd_and_harmless_is_told_and_published() {
    let key = jwk("a");
    let (keys, warnings) = checked(json!([key, key]), &[]).unwrap();
    assert_eq!((keys.len(), warnings.len()), (1, 1), "{warnings:?}");
    // As for tokens of old Kubernetes: the same key under no name.
    let nameless = with(key.clone(), json!({ "kid": "" }));
    let (keys, warnings) = checked(json!([key, nameless]), &[]).unwrap();
    assert_eq!(keys.len(), 2);
    assert!(warnings[0].contains("no `kid`"), "{warnings:?}");
    let (keys, warnings) = checked(json!([jwk("same"), jwk("same")]), &[]).unwrap();
    assert_eq!(keys.len(), 2);
    assert!(warnings[0].contains("`same`"), "{warnings:?}");
    let (keys, warnings) =
        checked(json!([key, with(jwk("e"), json!({ "use": "enc" }))]), &[]).unwrap();
    assert_eq!((keys.len(), warnings.len()), (1, 1));
    let unknown = json!({ "kty": "AKP", "kid": "pq", "pub": "AA", "alg": "ML-DSA-44" });
    let (keys, warnings) = checked(json!([unknown]), &["AKP"]).unwrap();
    assert_eq!((keys, warnings.len()), (vec![unknown], 1));
    // Only members that somebody looked at get out.
    let (keys, _) = checked(
        json!([with(key.clone(), json!({ "x5u": "https://private" }))]),
        &[],
    )
    .unwrap();
    assert_eq!(keys, [key]);
}

#[test]
fn as_many_keys_as_allowed_and_not_one_more() {
    let keys = |count: usize| json!((0..count).map(|n| jwk(&n.to_string())).collect::<Vec<_>>());
    assert_eq!(checked(keys(4), &[]).unwrap().0.len(), 4);
    refused(keys(5), "too_many_entries", "at most 4");
}

const PUBLIC: &str = "https://k8s.example/a";

fn metadata(document: Value, source: Option<&str>) -> Result<(Value, Vec<String>), Error> {
    let public = PublicIssuer::parse(PUBLIC).unwrap();
    let mut warnings = Vec::new();
    let issuers = Issuers {
        public: &public,
        source,
    };
    let checked = Metadata::check(&object(document), issuers, &mut warnings)?;
    Ok((checked.document(&public, &[]), warnings))
}

#[test]
fn an_upload_of_another_issuer_is_refused_with_all_values() {
    let of = |issuer: Value| json!({ "issuer": issuer });
    assert!(metadata(of(json!(PUBLIC)), None).unwrap().1.is_empty());
    let source = Some("https://10.0.0.1:6443");
    for named in ["https://10.0.0.1:6443", "https://10.0.0.1:6443/"] {
        let (_, warnings) = metadata(of(json!(named)), source).unwrap();
        assert_eq!(warnings.len(), 1, "{named}");
    }
    for other in [
        "https://k8s.example",
        "https://k8s.example/a/",
        "https://10.0.0.1",
        "x",
    ] {
        let error = metadata(of(json!(other)), source).unwrap_err();
        assert_eq!(error.reason(), "issuer_mismatch");
        for value in [other, PUBLIC, "https://10.0.0.1:6443"] {
            assert!(error.to_string().contains(value), "{error}");
        }
    }
    let error = metadata(of(json!("https://10.0.0.1:6443")), None).unwrap_err();
    assert_eq!(error.reason(), "issuer_mismatch");
    for (document, reason) in [
        (json!({}), "document_incomplete"),
        (of(json!("")), "document_malformed"),
        (of(json!(1)), "document_malformed"),
    ] {
        assert_eq!(metadata(document, None).unwrap_err().reason(), reason);
    }
}

#[test]
fn nothing_of_the_private_network_gets_out() {
    let (document, warnings) = metadata(
        json!({
            "issuer": PUBLIC,
            "jwks_uri": "https://10.0.0.1/keys",
            "authorization_endpoint": "https://private.example/authorize",
            "token_endpoint": "https://private.example/token",
            "x-internal": "canary",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none", "RS256"],
            "claims_supported": ["sub", "aud"],
        }),
        None,
    )
    .unwrap();
    assert_eq!(
        document,
        json!({
            "issuer": PUBLIC,
            "jwks_uri": "https://k8s.example/a/.well-known/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "aud"],
        })
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let list = |count: usize| {
        let list: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        metadata(json!({ "issuer": PUBLIC, "claims_supported": list }), None)
    };
    assert!(list(LIST_ENTRIES_MAX).is_ok());
    assert_eq!(
        list(LIST_ENTRIES_MAX + 1).unwrap_err().reason(),
        "too_many_entries"
    );
    for bad in [
        json!("sub"),
        json!([1]),
        json!({}),
        json!(["x".repeat(257)]),
    ] {
        let document = json!({ "issuer": PUBLIC, "scopes_supported": bad });
        assert_eq!(
            metadata(document, None).unwrap_err().reason(),
            "document_malformed"
        );
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn kids(keys: &[PublishedKey], now: i64) -> Vec<String> {
    let keys = keys.iter().filter(|key| key.is_published(at(now)));
    keys.map(PublishedKey::name).collect()
}

#[test]
fn a_key_that_is_left_out_stays_for_its_time_unless_it_is_forced_out() {
    let hour = Leaving::After(Duration::from_secs(3_600));
    let (a, b, c) = (jwk("a"), jwk("b"), jwk("c"));
    let next = |current: &[PublishedKey], new: &[&Value], leaving, now| {
        let new = new.iter().map(|key| (*key).clone()).collect();
        follow(current, new, leaving, 4, at(now), &mut Vec::new()).unwrap()
    };
    let first = next(&[], &[&a], hour, 0);
    let second = next(&first, &[&b], hour, 100);
    assert_eq!(kids(&second, 100), ["b", "a"]);
    assert_eq!(kids(&second, 3_699), ["b", "a"]);
    assert_eq!(kids(&second, 3_700), ["b"]);
    // The same upload again does not start its time anew.
    assert_eq!(next(&second, &[&b], hour, 200), second);
    // Back in the set, it stays.
    let back = next(&second, &[&b, &a], hour, 300);
    assert_eq!(kids(&back, 100_000), ["b", "a"]);
    let forced = next(&second, &[&c], Leaving::Now, 400);
    assert_eq!(kids(&forced, 400), ["c"]);
    // Verifiers could not tell them apart.
    let renewed = next(&first, &[&jwk("a")], hour, 100);
    assert_eq!(kids(&renewed, 100), ["a"]);
}

#[test]
fn keys_that_stay_count_towards_the_most() {
    let hour = Leaving::After(Duration::from_secs(3_600));
    let mut keys = Vec::new();
    for n in 0..4 {
        keys = follow(
            &keys,
            vec![jwk(&n.to_string())],
            hour,
            4,
            at(n),
            &mut Vec::new(),
        )
        .unwrap();
    }
    assert_eq!(keys.len(), 4);
    let one_more =
        |leaving, now| follow(&keys, vec![jwk("x")], leaving, 4, at(now), &mut Vec::new());
    assert_eq!(one_more(hour, 5).unwrap_err().reason(), "too_many_keys");
    assert_eq!(one_more(Leaving::Now, 5).unwrap().len(), 1);
    assert_eq!(one_more(hour, 3_601).unwrap().len(), 4);
}
