use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Issuer, NOW};
use super::{
    ACCESS_TOKEN, CALLBACK, ISSUER, at_hash, begin, configure, end, mount, outcome, role, told, url,
};

/// Asserts how a login with these claims in the ID token goes, by the beginning of what is told.
async fn check(claims: Value, expected: &str) {
    let (mount, provider) = mount().await;
    let found = outcome(&mount, &provider, claims.clone()).await;
    assert!(found.starts_with(expected), "{claims}: {found}");
}

const FAILED: &str = "Token verification failed. ";

#[tokio::test]
async fn it_is_for_this_client() {
    let mismatch = format!("audience_mismatch: {FAILED}");
    for (claims, is_accepted) in [
        (json!({"aud": "client-1"}), true),
        (json!({"aud": ["client-1"], "azp": "client-1"}), true),
        (
            json!({"aud": ["other", "client-1"], "azp": "client-1"}),
            true,
        ),
        (json!({"aud": ["other", "client-1"]}), false),
        (json!({"aud": ["other", "client-1"], "azp": "other"}), false),
        (json!({"aud": "client-1", "azp": "other"}), false),
        (json!({"aud": "client-1", "azp": ["client-1"]}), false),
        (json!({"aud": "client-2"}), false),
        (json!({"aud": "CLIENT-1"}), false),
        (json!({"aud": []}), false),
        (json!({"aud": null}), false),
    ] {
        check(claims, if is_accepted { "ok" } else { &mismatch }).await;
    }
}

#[tokio::test]
async fn it_is_for_this_login() {
    let expected = format!("nonce_mismatch: {FAILED}invalid ID token nonce");
    for nonce in [json!(null), json!(""), json!("x"), json!(["x"]), json!(7)] {
        check(json!({"nonce": nonce}), &expected).await;
    }
    // An ID token of another login of the same person.
    let (mount, provider) = mount().await;
    let other = provider.agree(&begin(&mount).await, &json!({}));
    let claims = json!({"sub": "person-1", "aud": "client-1", "nonce": other.nonce});
    provider.answers_id_token(Some(provider.issuer.token(&claims)));
    assert_eq!(outcome(&mount, &provider, json!({})).await, expected);
}

#[tokio::test]
async fn it_is_of_the_provider_that_was_asked() {
    let expected = format!("issuer_mismatch: {FAILED}");
    for iss in [
        json!("https://evil.example"),
        json!("https://idp.example/"),
        json!(null),
    ] {
        check(json!({"iss": iss}), &expected).await;
    }
    // The mount's bound_issuer holds besides.
    let (mount, provider) = mount().await;
    configure(&mount, json!({"bound_issuer": "https://idp.example/"})).await;
    assert!(
        outcome(&mount, &provider, json!({}))
            .await
            .starts_with(&expected)
    );
}

#[tokio::test]
async fn a_further_issuer_of_the_mount_signs_no_id_token() {
    let (mount, provider) = mount().await;
    let other = Issuer::new("https://other.example");
    other.publish(&mount);
    let issuer = json!({"jwks_url": other.jwks_url(), "issuer": other.iss});
    mount.write("issuer/other", issuer).await;
    role(&mount, json!({"bound_issuers": "*"})).await;
    for iss in [&*other.iss, ISSUER] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        let claims = json!({"iss": iss, "sub": "a", "aud": "client-1", "nonce": answered.nonce});
        provider.answers_id_token(Some(other.token(&claims)));
        let found = told(end(&mount, &answered).await);
        assert!(found.starts_with("signature_invalid: "), "{found}");
    }
}

#[tokio::test]
async fn it_is_signed_by_a_key_of_the_provider() {
    let (mount, provider) = mount().await;
    let stranger = Issuer::new(ISSUER);
    let unknown = Issuer::with_key(ISSUER, "k2");
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    let claims = json!({"sub": "a", "aud": "client-1", "nonce": answered.nonce});
    provider.answers_id_token(Some(stranger.token(&claims)));
    assert!(told(end(&mount, &answered).await).starts_with("signature_invalid: "));

    let answered = provider.agree(&begin(&mount).await, &json!({}));
    let claims = json!({"sub": "a", "aud": "client-1", "nonce": answered.nonce});
    provider.answers_id_token(Some(unknown.token(&claims)));
    assert!(told(end(&mount, &answered).await).starts_with("key_not_found: "));

    for (token, expected) in [
        ("", "token_malformed"),
        ("x.y.z", "token_malformed"),
        // {"alg":"none"}
        ("eyJhbGciOiJub25lIn0.e30.", "algorithm_not_allowed"),
        // {"alg":"HS256"}
        ("eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "algorithm_not_allowed"),
    ] {
        provider.answers_id_token(Some(token.to_owned()));
        let found = outcome(&mount, &provider, json!({})).await;
        assert!(
            found.starts_with(&format!("{expected}: {FAILED}")),
            "{token}: {found}"
        );
    }
}

#[tokio::test]
async fn its_algorithm_is_one_of_the_mount() {
    let (mount, provider) = mount().await;
    configure(&mount, json!({"jwt_supported_algs": "RS256"})).await;
    let found = outcome(&mount, &provider, json!({})).await;
    assert!(found.starts_with("algorithm_not_allowed: "), "{found}");
}

#[tokio::test]
async fn it_is_in_force() {
    let expired = format!("expired: {FAILED}");
    check(json!({"iat": NOW - 600, "exp": NOW - 60}), "ok").await;
    check(json!({"iat": NOW - 600, "exp": NOW - 61}), &expired).await;
    check(json!({"iat": NOW + 60}), "ok").await;
    check(
        json!({"iat": NOW + 61}),
        &format!("not_yet_valid: {FAILED}"),
    )
    .await;
}

#[tokio::test]
async fn its_access_token_is_the_one_that_came_with_it() {
    let mismatch = format!("access_token_mismatch: {FAILED}");
    check(json!({"at_hash": at_hash(ACCESS_TOKEN, false)}), "ok").await;
    check(json!({"at_hash": at_hash(ACCESS_TOKEN, true)}), &mismatch).await;
    check(json!({"at_hash": at_hash("another", false)}), &mismatch).await;
    check(json!({"at_hash": ""}), &mismatch).await;
    check(json!({"at_hash": 7}), &mismatch).await;
    let (mount, provider) = mount().await;
    provider.answers_beside(json!({"access_token": "swapped"}));
    let claims = json!({"at_hash": at_hash(ACCESS_TOKEN, false)});
    assert!(
        outcome(&mount, &provider, claims)
            .await
            .starts_with(&mismatch)
    );
}

#[tokio::test]
async fn the_login_at_the_provider_is_as_young_as_the_role_says() {
    let (mount, provider) = mount().await;
    role(&mount, json!({"max_age": 100})).await;
    for (auth_time, expected) in [
        (json!(NOW - 160), "ok"),
        (json!(NOW - 161), "login_too_old"),
        (json!(null), "claim_missing"),
        (json!("now"), "claim_missing"),
        (json!(-1), "claim_missing"),
    ] {
        let found = outcome(&mount, &provider, json!({"auth_time": auth_time})).await;
        assert!(found.starts_with(expected), "{auth_time}: {found}");
    }
}

#[tokio::test]
async fn the_checks_of_every_login_hold() {
    let (mount, provider) = mount().await;
    for (parameters, claims, expected) in [
        (
            json!({"bound_subject": "person-2"}),
            json!({}),
            "subject_mismatch",
        ),
        (json!({"bound_subject": "person-1"}), json!({}), "ok"),
        (
            json!({"bound_audiences": "other"}),
            json!({}),
            "audience_mismatch",
        ),
        (json!({"bound_audiences": "client-1"}), json!({}), "ok"),
        (
            json!({"bound_claims": {"hd": "a.example"}}),
            json!({}),
            "claim_missing",
        ),
        (
            json!({"bound_claims": {"hd": "a.example"}}),
            json!({"hd": "b.example"}),
            "claim_mismatch",
        ),
        (
            json!({"bound_claims": {"hd": "a.example"}}),
            json!({"hd": "a.example"}),
            "ok",
        ),
        (json!({"user_claim": "email"}), json!({}), "claim_missing"),
        (
            json!({"groups_claim": "groups"}),
            json!({"groups": [7]}),
            "claim_mismatch",
        ),
        (json!({}), json!({"Sub": "root"}), "claim_ambiguous"),
        (
            json!({"bound_issuers": "other"}),
            json!({}),
            "issuer_not_allowed",
        ),
    ] {
        mount.delete("role/person").await;
        role(&mount, parameters.clone()).await;
        let found = outcome(&mount, &provider, claims).await;
        assert!(found.starts_with(expected), "{parameters}: {found}");
    }
}

#[tokio::test]
async fn a_rotation_at_the_provider_is_followed_within_a_login() {
    let (mount, provider) = mount().await;
    assert_eq!(outcome(&mount, &provider, json!({})).await, "ok");
    let next = Issuer::with_key(ISSUER, "k2");
    mount.system.fetcher.serve(&next.jwks_url(), next.jwks());
    mount.system.clock.advance(Duration::from_secs(60));
    let begun = url(
        &mount,
        json!({"redirect_uri": CALLBACK, "client_nonce": "n0nce"}),
    )
    .await;
    let answered = provider.agree(&begun, &json!({}));
    let claims = json!({"sub": "a", "aud": "client-1", "nonce": answered.nonce});
    provider.answers_id_token(Some(next.token(&claims)));
    assert_eq!(told(end(&mount, &answered).await), "ok");
}
