//! What a login gives, and each way in which it is refused.

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::ErrorKind;

use super::{Issuer, NOW, check, log_in, mount, outcome, role};
use crate::auth::driver::{Driver, contains};

#[tokio::test]
async fn a_login_gives_alias_metadata_groups_and_the_roles_parameters() {
    let (mount, issuer) = mount().await;
    let parameters = json!({
        "bound_audiences": "vault",
        "claim_mappings": {"team": "team_name", "/deep/x": "dx", "absent": "y"},
        "groups_claim": "/realm/groups",
        "token_policies": ["a"],
        "token_ttl": "10m",
        "token_num_uses": 3,
    });
    role(&mount, "CI", parameters).await;
    let token = issuer.token(&json!({
        "sub": "alice", "aud": "vault", "team": "core", "deep": {"x": "7"},
        "realm": {"groups": ["g1", "", "g2"]},
    }));
    let login = log_in(&mount, "ci", &token).await.unwrap();
    let alias = login.alias.unwrap();
    assert_eq!(alias.name, "alice");
    let expected = [("dx", "7"), ("role", "ci"), ("team_name", "core")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(login.metadata, expected.clone().into());
    assert_eq!(alias.metadata, expected.into());
    assert_eq!(login.group_aliases, ["g1", "g2"]);
    assert_eq!(login.display_name, "alice");
    assert_eq!(login.token.policies.to_strings(), ["a"]);
    assert_eq!(login.token.ttl, Duration::from_secs(600));
    assert_eq!(login.token.num_uses, 3);
    assert!(login.renewable);
}

#[tokio::test]
async fn a_jwt_is_never_stored() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "alice-in-chains"})).await;
    let token = issuer.token(&json!({"sub": "alice-in-chains"}));
    let before = mount.stored().await.len();
    log_in(&mount, "r", &token).await.unwrap();
    let stored = mount.stored().await;
    assert_eq!(stored.len(), before);
    assert!(stored.iter().all(|(_, value)| !contains(value, &token)));
}

#[tokio::test]
async fn the_default_role_stands_in_for_none_and_names_have_one_case() {
    let (mount, issuer) = mount().await;
    let token = issuer.token(&json!({"sub": "a"}));
    let body = json!({"jwt": token});
    assert_eq!(
        mount.refusal("login", body.clone()).await.reason(),
        "role_missing"
    );
    let pem = issuer.pem();
    mount
        .write(
            "config",
            json!({"jwt_validation_pubkeys": pem, "default_role": "R1"}),
        )
        .await;
    assert_eq!(
        mount.refusal("login", body.clone()).await.reason(),
        "role_unknown"
    );
    role(&mount, "r1", json!({"bound_subject": "a"})).await;
    mount.login("login", body).await.unwrap();
    check(&mount, "R1", &token, "ok", &json!("upper case")).await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let mount = Driver::open(&super::super::METHOD);
    let error = mount
        .refusal("login", json!({"role": "r", "jwt": "x"}))
        .await;
    assert_eq!(error.messages(), ["could not load configuration"]);
    let (mount, _) = super::mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let body = json!({"role": "person", "jwt": "x"});
    for (body, message) in [
        (json!({"jwt": "x"}), "missing role"),
        (
            json!({"role": "zz", "jwt": "x"}),
            "role \"zz\" could not be found",
        ),
        (json!({"role": "r"}), "missing token"),
        (json!({"role": "r", "jwt": ""}), "missing token"),
    ] {
        mount.refuses("login", body, message).await;
    }
    let oidc = json!({"role_type": "oidc", "user_claim": "sub", "allowed_redirect_uris": "http://localhost:8250/oidc/callback"});
    mount.write("role/person", oidc).await;
    mount
        .refuses("login", body, "role with oidc role_type is not allowed")
        .await;
}

#[tokio::test]
async fn issuer_and_subject_are_compared_to_the_byte() {
    let (mount, issuer) = mount().await;
    role(
        &mount,
        "r",
        json!({"bound_subject": "system:serviceaccount:ns:app"}),
    )
    .await;
    let subject = "system:serviceaccount:ns:app";
    for (iss, expected) in [
        (json!("https://issuer.example"), "ok"),
        (json!("https://issuer.example/"), "issuer_mismatch"),
        (json!("https://ISSUER.example"), "issuer_mismatch"),
        (json!("http://issuer.example"), "issuer_mismatch"),
        (json!("https://evil.example"), "issuer_mismatch"),
        (json!(""), "issuer_mismatch"),
        (Value::Null, "issuer_mismatch"),
    ] {
        let token = issuer.token(&json!({"sub": subject, "iss": iss}));
        check(&mount, "r", &token, expected, &iss).await;
    }
    for sub in [
        json!("system:serviceaccount:ns:app2"),
        json!("System:serviceaccount:ns:app"),
        json!(""),
        Value::Null,
    ] {
        let token = issuer.token(&json!({"sub": sub}));
        check(&mount, "r", &token, "subject_mismatch", &sub).await;
    }
}

#[tokio::test]
async fn a_slash_at_the_end_is_shown_from_both_sides_and_no_other_value_is() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let token = issuer.token(&json!({"sub": "a", "iss": "https://issuer.example/"}));
    let text = log_in(&mount, "r", &token).await.unwrap_err().to_string();
    assert!(text.contains("\"https://issuer.example/\""), "{text}");
    assert!(text.contains("\"https://issuer.example\""), "{text}");
    for (claims, name) in [
        (json!({"sub": "a", "iss": "secret-one"}), "iss"),
        (json!({"sub": "secret-one"}), "sub"),
        (json!({"sub": "a", "aud": "secret-one"}), "aud"),
    ] {
        let text = log_in(&mount, "r", &issuer.token(&claims))
            .await
            .unwrap_err()
            .to_string();
        assert!(!text.contains("secret-one"), "{text}");
        assert!(text.contains(name) || name == "aud", "{text}");
    }
}

#[tokio::test]
async fn times_count_to_the_second() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let skew = json!({"bound_subject": "a", "clock_skew_leeway": -1, "expiration_leeway": "10s"});
    role(&mount, "strict", skew).await;
    for (role, claims, expected) in [
        ("r", json!({"iat": NOW - 900, "exp": NOW - 60}), "ok"),
        ("r", json!({"iat": NOW - 900, "exp": NOW - 61}), "expired"),
        ("r", json!({"nbf": NOW + 60}), "ok"),
        ("r", json!({"nbf": NOW + 61}), "not_yet_valid"),
        (
            "r",
            json!({"iat": NOW + 61, "nbf": NOW}),
            "issued_in_future",
        ),
        ("r", json!({"iat": null, "exp": null}), "claim_missing"),
        ("r", json!({"iat": NOW - 210, "exp": null}), "ok"),
        ("r", json!({"iat": NOW - 211, "exp": null}), "expired"),
        ("strict", json!({"iat": NOW - 900, "exp": NOW}), "ok"),
        (
            "strict",
            json!({"iat": NOW - 900, "exp": NOW - 1}),
            "expired",
        ),
        ("strict", json!({"iat": NOW - 10, "exp": null}), "ok"),
        ("strict", json!({"iat": NOW - 11, "exp": null}), "expired"),
    ] {
        let mut all = claims.clone();
        all["sub"] = json!("a");
        check(&mount, role, &issuer.token(&all), expected, &claims).await;
    }
}

#[tokio::test]
async fn groups_are_names_or_nothing() {
    let (mount, issuer) = mount().await;
    role(
        &mount,
        "r",
        json!({"bound_subject": "a", "groups_claim": "groups"}),
    )
    .await;
    for (groups, expected) in [
        (json!(["g1", "g2"]), "ok"),
        (json!("g1"), "ok"),
        (json!([]), "ok"),
        (json!({"a": 1}), "claim_mismatch"),
        (json!([1]), "claim_mismatch"),
        (json!(["g1", null]), "claim_mismatch"),
        (json!(true), "claim_mismatch"),
        (Value::Null, "claim_missing"),
    ] {
        let token = issuer.token(&json!({"sub": "a", "groups": groups}));
        check(&mount, "r", &token, expected, &groups).await;
    }
    let overage = json!({"sub": "a", "_claim_names": {"groups": "src1"}});
    check(
        &mount,
        "r",
        &issuer.token(&overage),
        "groups_overage",
        &overage,
    )
    .await;
}

#[tokio::test]
async fn a_mapped_claim_is_a_string_or_absent() {
    let (mount, issuer) = mount().await;
    role(
        &mount,
        "r",
        json!({"bound_subject": "a", "claim_mappings": "email=mail"}),
    )
    .await;
    for (email, expected) in [
        (json!("e@x"), "ok"),
        (json!(""), "ok"),
        (Value::Null, "ok"),
        (json!(1), "claim_mismatch"),
        (json!(["e@x"]), "claim_mismatch"),
    ] {
        let token = issuer.token(&json!({"sub": "a", "email": email}));
        check(&mount, "r", &token, expected, &email).await;
    }
}

#[tokio::test]
async fn bound_claims_are_judged_with_the_rest() {
    let (mount, issuer) = mount().await;
    let bound = json!({"bound_claims": {"env": "prod", "team": ["a", "b"], "/n/x": "1"}});
    role(&mount, "r", bound).await;
    for (claims, expected) in [
        (json!({"env": "prod", "team": "a", "n": {"x": "1"}}), "ok"),
        (
            json!({"env": "dev", "team": "a", "n": {"x": "1"}}),
            "claim_mismatch",
        ),
        (json!({"env": "prod", "team": "a"}), "claim_missing"),
    ] {
        let mut all = claims.clone();
        all["sub"] = json!("a");
        check(&mount, "r", &issuer.token(&all), expected, &claims).await;
    }
}

/// A token with this header, claims that would do, and this signature.
fn forged(header: &Value, signature: &[u8]) -> String {
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let claims = json!({"iss": "https://issuer.example", "sub": "a", "iat": NOW, "exp": NOW + 600});
    let (header, claims) = (header.to_string(), claims.to_string());
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature = if signature.is_empty() {
        String::new()
    } else {
        encode(signature)
    };
    format!("{input}.{signature}")
}

#[tokio::test]
async fn no_header_makes_a_token_acceptable() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    for alg in [
        "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "",
    ] {
        for signature in [&b""[..], &b"x"[..], &[0; 64][..]] {
            let token = forged(&json!({"alg": alg, "kid": "k1"}), signature);
            let reason = outcome(&mount, "r", &token).await;
            let expected = ["algorithm_not_allowed", "token_malformed"];
            assert!(expected.contains(&reason), "{alg} {reason}");
        }
    }
    // The public key as the secret of an HMAC, in every text that somebody may have of it.
    for secret in [issuer.pem(), issuer.pem().trim().to_owned(), issuer.jwks()] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let unsigned = forged(&json!({"alg": "HS256", "typ": "JWT"}), b"");
        let input = unsigned.strip_suffix('.').unwrap();
        let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
        let token = forged(&json!({"alg": "HS256", "typ": "JWT"}), tag.as_ref());
        check(
            &mount,
            "r",
            &token,
            "algorithm_not_allowed",
            &json!("HS256"),
        )
        .await;
    }
    // A key of the wrong kind for the algorithm; signatures of nothing.
    for alg in ["RS256", "ES384", "EdDSA", "PS256"] {
        let token = forged(&json!({"alg": alg}), &[0; 64]);
        check(&mount, "r", &token, "algorithm_not_allowed", &json!(alg)).await;
    }
    for signature in [vec![0; 64], vec![1; 64], vec![0; 63], vec![0; 72]] {
        let token = forged(&json!({"alg": "ES256"}), &signature);
        check(
            &mount,
            "r",
            &token,
            "signature_invalid",
            &json!(signature.len()),
        )
        .await;
    }
    for (name, value) in [
        ("jku", json!("https://evil.example")),
        ("x5u", json!("https://evil.example")),
        ("jwk", json!({"kty": "EC"})),
        ("x5c", json!([])),
    ] {
        let mut header = json!({"alg": "ES256", "kid": "k1"});
        header[name] = value;
        check(
            &mount,
            "r",
            &forged(&header, &[1; 64]),
            "embedded_key",
            &header,
        )
        .await;
    }
    for header in [
        json!({"alg": "ES256", "crit": ["exp"]}),
        json!({"alg": "ES256", "b64": false}),
    ] {
        check(
            &mount,
            "r",
            &forged(&header, &[1; 64]),
            "token_malformed",
            &header,
        )
        .await;
    }
    assert!(mount.system.fetcher.requests().is_empty());
}

#[tokio::test]
async fn only_algorithms_of_the_configuration_are_accepted() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let token = issuer.token(&json!({"sub": "a"}));
    let config = |algs| json!({"jwt_validation_pubkeys": issuer.pem(), "jwt_supported_algs": algs});
    mount.write("config", config(json!("RS256,EdDSA"))).await;
    check(
        &mount,
        "r",
        &token,
        "algorithm_not_allowed",
        &json!("RS256,EdDSA"),
    )
    .await;
    mount.write("config", config(json!(["ES256"]))).await;
    check(&mount, "r", &token, "ok", &json!("ES256")).await;
}

#[tokio::test]
async fn junk_is_refused_as_bad_input() {
    let (mount, _) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let long = format!("{}.{}.{}", "a".repeat(20_000), "b", "c");
    for junk in [
        "x",
        "a.b.c",
        "..",
        "a.b",
        "a.b.c.d.e",
        "\u{0}",
        "é.é.é",
        &long,
    ] {
        let error = log_in(&mount, "r", junk).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{junk}");
        assert_eq!(error.reason(), "token_malformed", "{junk}");
        assert!(!error.to_string().contains("bbbb"), "{error}");
    }
}

#[tokio::test]
async fn a_forged_token_is_refused_and_so_is_one_by_another_key() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let other = Issuer::new("https://issuer.example");
    let token = other.token(&json!({"sub": "a"}));
    check(
        &mount,
        "r",
        &token,
        "signature_invalid",
        &json!("another key"),
    )
    .await;
    let genuine = issuer.token(&json!({"sub": "b"}));
    let (head, rest) = genuine.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let token = issuer.token(&json!({"sub": "a"}));
    let claims = token.split('.').nth(1).unwrap();
    let spliced = format!("{head}.{claims}.{signature}");
    check(
        &mount,
        "r",
        &spliced,
        "signature_invalid",
        &json!("spliced"),
    )
    .await;
}

#[tokio::test]
async fn an_address_outside_the_roles_blocks_is_denied_before_the_token_is_looked_at() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"token_bound_cidrs": "10.0.0.0/8"})).await;
    let token = issuer.token(&json!({"sub": "a"}));
    let error = log_in(&mount, "r", &token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.messages(), ["permission denied"]);
    log_in(&mount.at("10.1.2.3"), "r", &token).await.unwrap();
    log_in(&mount.at("::ffff:10.1.2.3"), "r", &token)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_token_of_a_role_that_is_gone_is_not_renewed() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a", "token_ttl": 60})).await;
    let login = log_in(&mount, "r", &issuer.token(&json!({"sub": "a"})))
        .await
        .unwrap();
    role(&mount, "r", json!({"bound_subject": "z", "token_ttl": 90})).await;
    assert_eq!(
        mount.renew(&login).await.unwrap().ttl,
        Duration::from_secs(90)
    );
    mount.delete("role/r").await;
    assert_eq!(mount.renew(&login).await.unwrap_err().reason(), "role_gone");
}

#[tokio::test]
async fn an_issuer_that_signs_with_rsa_is_accepted() {
    let (mount, _) = mount().await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let key = SigningKey::generate(Algorithm::Rs256).unwrap();
    let pem = key.public_key().to_pem().unwrap();
    mount
        .write("config", json!({"jwt_validation_pubkeys": [pem]}))
        .await;
    let signer = JwsSigner::new(key, KeyId::new("x").unwrap(), None);
    let claims = json!({"sub": "a", "iat": NOW, "exp": NOW + 60}).to_string();
    let token = signer.sign_compact(claims.as_bytes()).unwrap();
    check(&mount, "r", &token, "ok", &json!("RS256")).await;
}
