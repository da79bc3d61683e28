//! Where keys come from, and what is refused whatever the keys.

use serde_json::json;
use vouchsafe_jose::limits::KEYS_TRIED_MAX;
use vouchsafe_jose::{Algorithm, AlgorithmSet, SigningKey, UnverifiedJwt};
use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_trust::{KeySource, RefusalKind, parse_pem_keys};

use crate::issuer::{DOCUMENT, ISSUER, KEYS, Key, World, at, set};

#[tokio::test]
async fn keys_of_the_configuration_verify_and_nobody_is_asked() {
    let (key, other) = (Key::new("a"), Key::new("a"));
    let world = World::of(KeySource::Fixed(set(&[&key])));
    assert_eq!(world.verify(&key.token()).await.unwrap(), "a");
    assert_eq!(world.reason(&other.token()).await, "signature_invalid");
    assert_eq!(world.reason(&Key::new("b").token()).await, "key_not_found");
    assert!(world.servers.requests().is_empty());
}

#[tokio::test]
async fn each_key_in_pem_is_tried_whatever_the_key_id() {
    let keys: Vec<SigningKey> = (0..3)
        .map(|_| SigningKey::generate(Algorithm::Es256).unwrap())
        .collect();
    let texts: Vec<String> = keys
        .iter()
        .map(|key| key.public_key().to_pem().unwrap())
        .collect();
    let world = World::of(KeySource::Fixed(parse_pem_keys(&texts).unwrap()));
    for key in keys {
        let id = vouchsafe_jose::KeyId::new("anything").unwrap();
        let signer = vouchsafe_jose::JwsSigner::new(key, id, None);
        let token = signer.sign_compact(br#"{"sub":"a"}"#).unwrap();
        assert_eq!(world.verify(&token).await.unwrap(), "a");
    }
    assert_eq!(
        world.reason(&Key::new("a").token()).await,
        "signature_invalid"
    );
}

#[test]
fn keys_in_pem_are_bounded_and_a_fault_names_its_place() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let pem = key.public_key().to_pem().unwrap();
    assert!(parse_pem_keys(&vec![pem.clone(); KEYS_TRIED_MAX]).is_ok());
    assert!(parse_pem_keys(&vec![pem.clone(); KEYS_TRIED_MAX + 1]).is_err());
    let error = parse_pem_keys(&[pem.as_str(), "junk"]).unwrap_err();
    assert!(error.to_string().starts_with("public key 2:"), "{error}");
}

#[tokio::test]
async fn discovery_leads_to_the_keys() {
    let key = Key::new("a");
    let world = World::with_discovery();
    world.publish(KEYS, &[&key]);
    assert_eq!(world.verify(&key.token()).await.unwrap(), "a");
    assert_eq!(world.keys.metadata().unwrap().issuer, ISSUER);
    assert_eq!(world.servers.count(DOCUMENT), 1);
    assert_eq!(world.servers.count(KEYS), 1);
}

#[tokio::test]
async fn a_document_of_another_issuer_gives_no_keys() {
    let key = Key::new("a");
    let world = World::with_discovery();
    let lie = json!({"issuer": "https://issuer.example/", "jwks_uri": KEYS});
    world.servers.serve(DOCUMENT, lie);
    world.publish(KEYS, &[&key]);
    let refusal = world.verify(&key.token()).await.unwrap_err();
    assert_eq!(refusal.reason(), "keys_unavailable");
    assert_eq!(refusal.kind(), RefusalKind::Keys);
    assert!(
        refusal
            .to_string()
            .contains("issuer did not match the returned issuer"),
        "{refusal}"
    );
    assert_eq!(world.servers.count(KEYS), 0);
}

#[tokio::test]
async fn several_sets_are_taken_together_and_one_that_fails_harms_no_other() {
    let (a, b) = (Key::new("a"), Key::new("b"));
    let world = World::with_jwks(&["https://a.example/", "https://b.example/"]);
    world.publish("https://a.example/", &[&a]);
    assert_eq!(world.reason(&a.token()).await, "verified");
    assert_eq!(world.reason(&b.token()).await, "key_not_found");
    world.publish("https://b.example/", &[&b]);
    world.wait(5);
    assert_eq!(world.reason(&b.token()).await, "verified");
    assert_eq!(world.reason(&a.token()).await, "verified");
}

#[tokio::test]
async fn the_authorities_and_guards_of_the_configuration_go_with_each_request() {
    let mut endpoint = at(ISSUER);
    endpoint.ca_pem = Some("pem".to_owned());
    let world = World::of(KeySource::Discovery(endpoint));
    world
        .servers
        .serve(DOCUMENT, json!({"issuer": ISSUER, "jwks_uri": KEYS}));
    world.publish(KEYS, &[]);
    world.keys.load(&world.servers, &world.clock).await.unwrap();
    let requests = world.servers.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(request.ca_pem.as_deref(), Some("pem"));
    }
    // An issuer elsewhere names nothing on this machine.
    let rules = [Plaintext::Loopback, Plaintext::Refused];
    assert_eq!([requests[0].plaintext, requests[1].plaintext], rules);
}

#[tokio::test]
async fn an_issuer_on_this_machine_may_name_keys_on_it() {
    let issuer = "http://127.0.0.1:9";
    let world = World::of(KeySource::Discovery(at(issuer)));
    let document = format!("{issuer}/.well-known/openid-configuration");
    let keys = format!("{issuer}/keys");
    world
        .servers
        .serve(&document, json!({"issuer": issuer, "jwks_uri": keys}));
    world.publish(&keys, &[]);
    world.keys.load(&world.servers, &world.clock).await.unwrap();
    for request in world.servers.requests() {
        assert_eq!(request.plaintext, Plaintext::Loopback);
    }
}

/// A token with this header and a signature of some bytes.
fn token_with_header(header: &serde_json::Value) -> String {
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        encode(&header.to_string()),
        encode("{}"),
        encode("x")
    )
}

#[tokio::test]
async fn a_header_that_brings_or_names_a_key_opens_no_socket() {
    let world = World::with_discovery();
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", json!({"kty": "EC"})),
        ("x5c", json!(["MII"])),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "a"});
        header[name] = value;
        let token = token_with_header(&header);
        assert_eq!(world.reason(&token).await, "embedded_key", "{name}");
    }
    assert!(world.servers.requests().is_empty());
}

#[tokio::test]
async fn an_algorithm_that_nobody_can_allow_opens_no_socket() {
    let world = World::with_discovery();
    for alg in [
        "none", "None", "nOnE", "HS256", "HS384", "HS512", "ES256K", "RSA-OAEP", "x",
    ] {
        let token = token_with_header(&json!({"alg": alg, "kid": "a"}));
        assert_eq!(world.reason(&token).await, "algorithm_not_allowed", "{alg}");
    }
    let token = Key::new("a").token();
    let only_rsa = AlgorithmSet::only(Algorithm::Rs256);
    let parsed = UnverifiedJwt::parse(&token).unwrap();
    let refusal = world
        .keys
        .verify(parsed, only_rsa, &world.servers, &world.clock)
        .await
        .unwrap_err();
    assert_eq!(refusal.reason(), "algorithm_not_allowed");
    assert!(world.servers.requests().is_empty());
}
