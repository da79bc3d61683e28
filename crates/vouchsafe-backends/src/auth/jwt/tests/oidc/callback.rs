use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_logical::{ErrorKind, FetchError, Fetched};

use super::{
    ACCESS_TOKEN, CALLBACK, CLIENT_SECRET, ISSUER, basic, begin, call_back, configure, end, log_in,
    mount, outcome, role, told, url,
};

const EXPIRED: &str = "oidc_state_unknown: Vault login failed. Expired or missing OAuth state.";

#[tokio::test]
async fn a_person_logs_in_as_the_role_says() {
    let (mount, provider) = mount().await;
    let parameters = json!({
        "user_claim": "email", "groups_claim": "groups", "claim_mappings": {"name": "full_name"},
        "token_policies": "dev", "kept_claims": "email,nonce",
    });
    role(&mount, parameters).await;
    let claims = json!({"email": "a@b.example", "groups": ["x", "y"], "name": "A"});
    let login = log_in(&mount, &provider, claims).await.unwrap();
    assert_eq!(login.display_name, "a@b.example");
    assert_eq!(login.alias.as_ref().unwrap().name, "a@b.example");
    assert_eq!(login.group_aliases, ["x", "y"]);
    assert_eq!(login.metadata["role"], "person");
    assert_eq!(login.metadata["full_name"], "A");
    assert_eq!(
        Value::Object(login.claims.clone()),
        json!({"email": "a@b.example"})
    );
    // And its token is renewed by the role.
    mount.renew(&login).await.unwrap();
}

#[tokio::test]
async fn a_state_is_good_for_one_callback() {
    let (mount, provider) = mount().await;
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    end(&mount, &answered).await.unwrap();
    assert_eq!(told(end(&mount, &answered).await), EXPIRED);
    // Also where the first one failed, whatever for.
    for fault in [
        json!({"client_nonce": "other"}),
        json!({"code": "wrong"}),
        json!({"code": ""}),
    ] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        assert_ne!(
            told(call_back(&mount, &answered, fault.clone()).await),
            "ok"
        );
        assert_eq!(told(end(&mount, &answered).await), EXPIRED, "{fault}");
    }
}

#[tokio::test]
async fn callbacks_at_the_same_time_make_one_login() {
    let (mount, provider) = mount().await;
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    let call = || async { told(end(&mount, &answered).await) };
    let (a, b, c, d) = tokio::join!(call(), call(), call(), call());
    let mut outcomes = vec![a, b, c, d];
    outcomes.sort();
    let (ok, expired) = (outcomes.pop().unwrap(), outcomes);
    assert_eq!(ok, "ok");
    assert!(
        expired.iter().all(|outcome| outcome == EXPIRED),
        "{expired:?}"
    );
    assert_eq!(mount.system.fetcher.count(&format!("{ISSUER}/token")), 1);
}

#[tokio::test]
async fn a_state_that_nobody_began_is_refused_and_asks_nobody() {
    let (mount, provider) = mount().await;
    let mut answered = provider.agree(&begin(&mount).await, &json!({}));
    let own = answered.state.clone();
    for state in ["", "x", &own[..31], &format!("{own}x"), &own.to_lowercase()] {
        answered.state = state.to_owned();
        assert_eq!(told(end(&mount, &answered).await), EXPIRED, "{state}");
    }
    // Nor does another mount know it.
    let (other, _) = super::mount().await;
    answered.state = own;
    assert_eq!(told(end(&other, &answered).await), EXPIRED);
    assert_eq!(mount.system.fetcher.count(&format!("{ISSUER}/token")), 0);
    end(&mount, &answered).await.unwrap();
}

#[tokio::test]
async fn a_code_of_somebody_elses_login_is_refused_by_its_verifier() {
    let (mount, provider) = mount().await;
    let attacker = provider.agree(&begin(&mount).await, &json!({"sub": "attacker"}));
    let mut victim = provider.agree(&begin(&mount).await, &json!({"sub": "victim"}));
    victim.code = attacker.code;
    assert_eq!(
        told(end(&mount, &victim).await),
        "code_not_exchanged: Vault login failed. Error exchanging oidc code: \"invalid_grant\"."
    );
}

#[tokio::test]
async fn only_whoever_began_can_end_it() {
    let (mount, provider) = mount().await;
    for nonce in [json!(null), json!(""), json!("N0NCE"), json!("n0nce ")] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        let result = call_back(&mount, &answered, json!({"client_nonce": nonce})).await;
        assert_eq!(
            told(result),
            "client_nonce_mismatch: invalid client_nonce",
            "{nonce}"
        );
    }
    // Who gave none need not repeat it.
    let begun = url(&mount, json!({"redirect_uri": CALLBACK})).await;
    let answered = provider.agree(&begun, &json!({}));
    call_back(&mount, &answered, json!({"client_nonce": ""}))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_changed_since_the_beginning_ends_it() {
    let (mount, provider) = mount().await;
    let with_reason = |reason: &str| EXPIRED.replace("oidc_state_unknown", reason);
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    configure(&mount, json!({"oidc_client_id": "client-2"})).await;
    let expected = with_reason("oidc_configuration_changed");
    assert_eq!(told(end(&mount, &answered).await), expected);
    configure(&mount, json!({})).await;

    for parameters in [
        json!({"allowed_redirect_uris": "https://elsewhere.example/"}),
        json!({"role_type": "jwt", "bound_subject": "person-1"}),
    ] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        role(&mount, parameters).await;
        let expected = with_reason("oidc_role_changed");
        assert_eq!(told(end(&mount, &answered).await), expected);
        role(&mount, json!({"role_type": "oidc"})).await;
    }

    let answered = provider.agree(&begin(&mount).await, &json!({}));
    mount.delete("role/person").await;
    let expected = "role_unknown: Vault login failed. Role could not be found";
    assert_eq!(told(end(&mount, &answered).await), expected);
}

#[tokio::test]
async fn the_address_of_the_caller_must_be_one_of_the_role() {
    let (mount, provider) = mount().await;
    role(&mount, json!({"token_bound_cidrs": "127.0.0.0/8"})).await;
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    let error = end(&mount.at("192.0.2.1"), &answered).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn what_the_provider_refuses_is_told_in_registered_words_only() {
    let (mount, provider) = mount().await;
    let unknown = "An unknown error occurred during OIDC authentication.";
    for (error, told_as) in [
        ("access_denied", "access_denied"),
        (" ACCESS_DENIED ", "access_denied"),
        ("login_required", "login_required"),
        ("<script>alert(1)</script>", unknown),
        ("x\r\nSet-Cookie: a=b", unknown),
    ] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        let answer = json!({"error": error, "error_description": "<b>", "code": ""});
        let expected = format!("oidc_provider_refused: Vault login failed. {told_as}");
        assert_eq!(told(call_back(&mount, &answered, answer).await), expected);
    }
}

#[tokio::test]
async fn the_issuer_of_the_answer_is_the_one_that_was_asked() {
    let (mount, provider) = mount().await;
    for (iss, expected) in [
        (ISSUER, "ok"),
        ("https://idp.example/", "issuer_mismatch"),
        ("https://evil.example", "issuer_mismatch"),
        ("", "issuer_mismatch"),
    ] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        let result = call_back(&mount, &answered, json!({"iss": iss})).await;
        assert!(told(result).starts_with(expected), "{iss}");
    }
}

#[tokio::test]
async fn a_code_is_there_and_of_bounded_length() {
    let (mount, provider) = mount().await;
    for (code, expected) in [
        (
            "".to_owned(),
            "oidc_code_missing: Vault login failed. No code or id_token received.",
        ),
        // OpenBao's word for a code that the server has kept: no provider knows it.
        ("no_code".to_owned(), "code_not_exchanged: "),
        ("c".repeat(4_096), "code_not_exchanged: "),
        (
            "c".repeat(4_097),
            "oidc_code_too_long: Vault login failed. The code has 4097 bytes; at most 4096.",
        ),
    ] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        let result = told(call_back(&mount, &answered, json!({"code": code})).await);
        assert!(result.starts_with(expected), "{result}");
    }
    // An ID token that came through the browser is none that a login takes.
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    let token = provider
        .issuer
        .token(&json!({"sub": "a", "aud": "client-1", "nonce": answered.nonce}));
    let result = call_back(&mount, &answered, json!({"code": "", "id_token": token})).await;
    assert!(told(result).starts_with("oidc_code_missing"));
}

#[tokio::test]
async fn what_goes_wrong_at_the_token_endpoint_is_told_without_its_words() {
    let (mount, provider) = mount().await;
    let quoted = json!({
        "error": "invalid_client",
        "error_description": format!("no client with {CLIENT_SECRET}"),
    });
    let json_of = |value: Value| value.to_string();
    for (status, body, message) in [
        (401, json_of(quoted), "invalid_client"),
        (
            400,
            json_of(json!({"error": "<b>"})),
            "the provider answered with status 400",
        ),
        (302, String::new(), "the provider answered with status 302"),
        (
            500,
            "<html>".to_owned(),
            "the provider answered with status 500",
        ),
        (
            200,
            "<html>".to_owned(),
            "the answer of the provider can't be read",
        ),
        (
            200,
            json_of(json!({"id_token": 7})),
            "the answer of the provider can't be read",
        ),
    ] {
        provider.answers(status, body);
        let error = log_in(&mount, &provider, json!({})).await.unwrap_err();
        let expected = format!("Vault login failed. Error exchanging oidc code: {message:?}.");
        assert_eq!(
            (error.reason(), error.messages()),
            ("code_not_exchanged", &[expected][..])
        );
        let detail = error.detail().unwrap().for_operator();
        assert!(!detail.contains(CLIENT_SECRET), "{detail}");
    }
    provider.answers(200, "{}");
    assert_eq!(
        outcome(&mount, &provider, json!({})).await,
        "token_missing: Token verification failed. No id_token found in response."
    );
    let down = Err(FetchError::Timeout(Duration::from_secs(5)));
    mount
        .system
        .fetcher
        .answer(&format!("{ISSUER}/token"), down);
    let expected = "code_not_exchanged: Vault login failed. Error exchanging oidc code: \
                    \"the provider is not available\".";
    assert_eq!(outcome(&mount, &provider, json!({})).await, expected);
}

#[tokio::test]
async fn the_client_proves_itself_as_the_provider_takes_it() {
    let (mount, provider) = mount().await;
    for (methods, has_basic, expected) in [
        (json!(null), true, "ok"),
        (
            json!(["client_secret_post", "client_secret_basic"]),
            true,
            "ok",
        ),
        (
            json!(["private_key_jwt", "client_secret_post"]),
            false,
            "ok",
        ),
        (json!(["private_key_jwt"]), false, "code_not_exchanged"),
        (json!([]), false, "code_not_exchanged"),
    ] {
        provider.publish(
            &mount,
            json!({"token_endpoint_auth_methods_supported": methods}),
        );
        configure(&mount, json!({})).await;
        let before = mount.system.fetcher.count(&format!("{ISSUER}/token"));
        let result = outcome(&mount, &provider, json!({})).await;
        assert!(result.starts_with(expected), "{methods}: {result}");
        let requests = mount.system.fetcher.requests();
        let asked = requests
            .iter()
            .filter(|request| request.url.ends_with("/token"));
        let last = asked.skip(before).last();
        assert_eq!(last.is_some(), expected == "ok");
        if let Some(last) = last {
            assert_eq!(last.basic.is_some(), has_basic, "{methods}");
            let shown = format!("{last:?}");
            assert!(
                !shown.contains("s3cret") && !shown.contains(&basic()),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn the_endpoints_are_asked_under_the_guards_of_the_mount() {
    let (mount, provider) = mount().await;
    configure(
        &mount,
        json!({"fetch_public_only": true, "oidc_discovery_ca_pem": "PEM"}),
    )
    .await;
    // The document, and then the keys.
    let discovery = mount.system.fetcher.requests().len() - 2;
    log_in(&mount, &provider, json!({})).await.unwrap();
    let requests = mount.system.fetcher.requests();
    for path in ["/token", "/userinfo"] {
        let request = requests
            .iter()
            .rfind(|request| request.url.ends_with(path))
            .unwrap();
        assert_eq!(request.addresses, requests[discovery].addresses);
        // A provider elsewhere names nothing on this machine.
        assert_eq!(requests[discovery].plaintext, Plaintext::Loopback);
        assert_eq!(request.plaintext, Plaintext::Refused);
        assert_eq!(request.ca_pem.as_deref(), Some("PEM"));
        assert_eq!(request.bytes_max, 256 * 1024);
    }
}

#[tokio::test]
async fn userinfo_adds_claims_and_replaces_none() {
    let (mount, provider) = mount().await;
    role(
        &mount,
        json!({"user_claim": "email", "groups_claim": "groups"}),
    )
    .await;
    let userinfo = format!("{ISSUER}/userinfo");
    let fetcher = &mount.system.fetcher;
    let added = json!({
        "sub": "person-1", "email": "evil@b.example", "groups": ["dev"], "iss": "x", "aud": "y",
        "nonce": "n", "acr": "high", "amr": ["mfa"], "azp": "z", "jti": "j", "nbf": 0,
    });
    fetcher.serve(&userinfo, added);
    let claims = json!({"email": "a@b.example"});
    let login = log_in(&mount, &provider, claims.clone()).await.unwrap();
    assert_eq!(
        (&*login.display_name, &*login.group_aliases),
        ("a@b.example", &["dev".to_owned()][..])
    );
    assert_eq!(
        (&login.claims["iss"], &login.claims["aud"]),
        (&json!(ISSUER), &json!("client-1"))
    );
    for name in ["nonce", "acr", "amr", "azp", "jti", "nbf"] {
        assert!(!login.claims.contains_key(name), "{name}");
    }
    let requests = fetcher.requests();
    let bearer = requests.last().unwrap().bearer.as_ref().unwrap();
    assert_eq!(bearer.expose(), ACCESS_TOKEN);

    // Somebody else's claims, and what is no answer, are passed over.
    let missing = "claim_missing: Vault login failed. failed to fetch groups: \"groups\" claim not \
                   found in token";
    for body in [
        json!({"sub": "person-2", "groups": ["dev"]}).to_string(),
        json!({"groups": ["dev"]}).to_string(),
        json!({"sub": ["person-1"], "groups": ["dev"]}).to_string(),
        json!([]).to_string(),
        "eyJ.x.y".to_owned(),
    ] {
        fetcher.serve(&userinfo, &body);
        assert_eq!(
            outcome(&mount, &provider, claims.clone()).await,
            missing,
            "{body}"
        );
    }
    fetcher.answer(
        &userinfo,
        Ok(Fetched {
            status: 401,
            ..Fetched::default()
        }),
    );
    assert_eq!(outcome(&mount, &provider, claims.clone()).await, missing);
    let whole = json!({"email": "a@b.example", "groups": "dev"});
    assert_eq!(outcome(&mount, &provider, whole.clone()).await, "ok");
    provider.publish(&mount, json!({"userinfo_endpoint": null}));
    configure(&mount, json!({})).await;
    let before = fetcher.count(&userinfo);
    assert_eq!(outcome(&mount, &provider, whole).await, "ok");
    assert_eq!(fetcher.count(&userinfo), before);
}

/// A code is tied to a login by whoever began it, and that need not be who logged in (CVE-2026-33757).
#[tokio::test]
async fn whoever_began_does_not_get_what_the_browser_of_another_brings() {
    let (mount, provider) = mount().await;
    configure(&mount, json!({"oidc_response_mode": "form_post"})).await;
    // The attacker begins with a nonce of his own; the victim follows the address and agrees.
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    // Were the redirect URI the server's, the victim's browser would post the form there.
    let form = json!({"state": answered.state, "code": answered.code});
    let posted = mount.refusal("oidc/callback", form).await;
    assert_eq!(posted.kind(), ErrorKind::UnsupportedOperation);
    // So the attacker, who has no code, has nothing to end the login with.
    for code in ["", "no_code"] {
        let answered = provider.agree(&begin(&mount).await, &json!({}));
        let ended = call_back(&mount, &answered, json!({"code": code})).await;
        assert!(ended.is_err(), "{code:?}");
    }
}

#[tokio::test]
async fn nothing_of_a_login_is_stored() {
    let (mount, provider) = mount().await;
    let before = mount.stored().await;
    let answered = provider.agree(&begin(&mount).await, &json!({}));
    assert_eq!(mount.stored().await, before);
    end(&mount, &answered).await.unwrap();
    assert_eq!(mount.stored().await, before);
}
