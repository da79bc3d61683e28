//! `keys`: the forms that are taken, and that the families of keys never mix.

use vouchsafe_iam::{IamConfig, Lookup, ProviderKeys};

use crate::fixtures::{BASE, faults, oct_jwk, parse, public_jwk};

fn file(keys: &str) -> String {
    format!(
        "{BASE}[idps.a]\ntype = 'direct-jwt'\n[idps.a.conf]\niss = 'i'\naud = 'a'\nkeys = '''{keys}'''\n"
    )
}

fn keys_of(config: &IamConfig) -> &ProviderKeys {
    match config.provider(Some("i"), &["a".to_owned()]) {
        Lookup::Found(provider) => &provider.keys,
        other => panic!("{other:?}"),
    }
}

fn public_count(keys: &str) -> usize {
    match keys_of(&parse(&file(keys))) {
        ProviderKeys::Public(set) => set.keys().len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_key_a_set_and_a_list_are_taken() {
    let (one, two) = (public_jwk("1"), public_jwk("2"));
    assert_eq!(public_count(&one), 1);
    assert_eq!(public_count(&format!(r#"{{"keys":[{one},{two}]}}"#)), 2);
    assert_eq!(public_count(&format!(" [{one},\n{two}]")), 2);
}

#[test]
fn the_older_name_of_keys_is_taken_and_both_are_not() {
    let text = file(&public_jwk("1"));
    parse(&text.replace("keys = '''", "key = '''"));
    let keys = text.lines().last().unwrap();
    let both = format!("{text}{}\n", keys.replacen("keys", "key", 1));
    assert!(
        faults(&both)
            .to_string()
            .contains("`keys` and `key` are both given")
    );
}

#[test]
fn shared_secrets_are_taken_inline_and_never_beside_public_keys() {
    let secrets = format!("[{},{}]", oct_jwk(32), oct_jwk(64));
    let config = parse(&file(&secrets));
    assert!(matches!(keys_of(&config), ProviderKeys::Symmetric(keys) if keys.len() == 2));
    let mixed = format!("[{},{}]", oct_jwk(32), public_jwk("1"));
    let message = faults(&file(&mixed)).to_string();
    assert!(
        message.contains("public and symmetric keys in one provider"),
        "{message}"
    );
}

#[test]
fn what_is_no_usable_key_is_refused_and_never_quoted() {
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
    for (keys, says) in [
        (String::new(), "is not JSON of a JWK"),
        ("x".to_owned(), "is not JSON of a JWK"),
        ("{}".to_owned(), "JWK has no `kty`"),
        ("[]".to_owned(), "holds no key"),
        (r#"{"keys":[]}"#.to_owned(), "holds no key"),
        (r#"{"keys":1}"#.to_owned(), "is not JSON of a JWK"),
        (
            format!(r#"{{"kty":"oct","alg":"HS256","k":"{secret}"}}"#),
            "takes at least 32",
        ),
        (
            format!(r#"{{"kty":"oct","k":"{secret}"}}"#),
            "JWK has no `alg`",
        ),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","d":"{secret}"}}"#),
            "private member `d`",
        ),
        (r#"{"kty":"dog"}"#.to_owned(), "unsupported `kty`"),
        (
            format!("[{},{{}}]", public_jwk("1")),
            "key 1: JWK has no `kty`",
        ),
    ] {
        let message = faults(&file(&keys)).to_string();
        assert!(message.contains("idps.a.conf.keys: "), "{message}");
        assert!(message.contains(says), "{keys}: {message}");
        assert!(!message.contains(secret), "{message}");
    }
}
