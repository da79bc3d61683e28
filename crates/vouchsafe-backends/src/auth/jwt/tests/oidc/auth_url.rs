use serde_json::{Value, json};
use vouchsafe_logical::ErrorKind;

use super::{CALLBACK, CLIENT_SECRET, ISSUER, begin, configure, mount, query, role, url};
use crate::auth::driver::Driver;

#[tokio::test]
async fn the_address_asks_for_a_code_with_state_nonce_and_challenge() {
    let (mount, _) = mount().await;
    let scopes = json!({"oidc_scopes": "profile,openid,groups,profile", "max_age": "1h"});
    role(&mount, scopes).await;
    let first = begin(&mount).await;
    let base = format!("{ISSUER}/authorize?tenant=a%26b&response_type=code&");
    assert!(first.starts_with(&base), "{first}");
    let asked = query(&first);
    for (name, value) in [
        ("tenant", "a&b"),
        ("response_type", "code"),
        ("client_id", "client-1"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile groups"),
        ("code_challenge_method", "S256"),
        ("max_age", "3600"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert_eq!((asked["state"].len(), asked["nonce"].len()), (32, 32));
    assert_eq!(asked["code_challenge"].len(), 43);
    assert!(!asked.contains_key("response_mode"));
    assert!(!first.contains("s3cret") && !first.contains("n0nce"));
    let second = query(&begin(&mount).await);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(asked[name], second[name], "{name}");
    }
    assert_ne!(asked["state"], asked["nonce"]);
}

#[tokio::test]
async fn form_post_is_asked_for_and_no_max_age_where_there_is_none() {
    let (mount, _) = mount().await;
    configure(&mount, json!({"oidc_response_mode": "form_post"})).await;
    let asked = query(&begin(&mount).await);
    assert_eq!(asked["response_mode"], "form_post");
    assert!(!asked.contains_key("max_age"));
}

#[tokio::test]
async fn the_role_is_that_of_the_mount_where_none_is_named_and_case_does_not_count() {
    let (mount, _) = mount().await;
    for role in [json!(null), json!(""), json!("PERSON")] {
        let body = json!({"role": role, "redirect_uri": CALLBACK});
        assert!(url(&mount, body).await.starts_with(ISSUER), "{role}");
    }
}

#[tokio::test]
async fn plain_mistakes_are_said() {
    let bare = Driver::open(&super::super::super::METHOD);
    let body = json!({"role": "person", "redirect_uri": CALLBACK});
    let path = "oidc/auth_url";
    bare.refuses(path, body.clone(), "could not load configuration")
        .await;
    let (workloads, _) = super::super::mount().await;
    workloads
        .refuses(path, body, "OIDC login is not configured for this mount")
        .await;
    let (mount, _) = mount().await;
    let long = "n".repeat(513);
    for (body, message) in [
        (
            json!({"role": "zz", "redirect_uri": CALLBACK}),
            "role \"zz\" could not be found",
        ),
        (json!({"role": "person"}), "missing redirect_uri"),
        (
            json!({"role": "person", "redirect_uri": ""}),
            "missing redirect_uri",
        ),
        (
            json!({"redirect_uri": CALLBACK, "client_nonce": long}),
            "client_nonce has 513 bytes; at most 512 are allowed",
        ),
    ] {
        mount.refuses(path, body, message).await;
    }
    let longest = json!({"redirect_uri": CALLBACK, "client_nonce": "n".repeat(512)});
    assert_ne!(url(&mount, longest).await, "");
    configure(&mount, json!({"default_role": ""})).await;
    mount
        .refuses(path, json!({"redirect_uri": CALLBACK}), "missing role")
        .await;
}

#[tokio::test]
async fn everything_else_is_answered_with_an_empty_address_and_begins_nothing() {
    let (mount, provider) = mount().await;
    mount
        .write(
            "role/workload",
            json!({
                "role_type": "jwt", "user_claim": "sub", "bound_subject": "a",
                "allowed_redirect_uris": CALLBACK,
            }),
        )
        .await;
    let empty = |body| {
        let mount = mount.clone();
        async move { assert_eq!(url(&mount, body).await, "") }
    };
    for (role, redirect_uri) in [
        ("workload", CALLBACK),
        ("person", "https://evil.example/oidc/callback"),
        ("person", "http://localhost:8250@evil.example/oidc/callback"),
        ("person", "http://localhost:8250/oidc/callback?next=x"),
        ("person", "javascript:alert(1)"),
    ] {
        empty(json!({"role": role, "redirect_uri": redirect_uri})).await;
    }
    for endpoint in [
        json!(null),
        json!(""),
        json!("/authorize"),
        json!("http://idp.example/authorize"),
        json!("javascript:alert(1)"),
        json!("https://me:pw@idp.example/authorize"),
        json!("https://idp.example/authorize#x"),
    ] {
        provider.publish(&mount, json!({"authorization_endpoint": endpoint}));
        // Written again, so that the document is fetched again.
        configure(&mount, json!({})).await;
        empty(json!({"role": "person", "redirect_uri": CALLBACK})).await;
    }
    mount
        .system
        .fetcher
        .take_down(&format!("{ISSUER}/.well-known/openid-configuration"));
    configure(&mount, json!({"verify_discovery": false})).await;
    empty(json!({"role": "person", "redirect_uri": CALLBACK})).await;
}

#[tokio::test]
async fn a_role_of_an_older_version_sends_nobody_to_the_server_itself() {
    let (mount, _) = mount().await;
    let uri = "https://server.example/proxy/v1/auth/oidc/oidc/callback";
    let refused = json!({
        "role_type": "oidc", "user_claim": "sub", "allowed_redirect_uris": [CALLBACK, uri],
    });
    let error = mount.refusal("role/person", refused).await;
    assert_eq!(error.reason(), "redirect_uri_of_server");
    assert!(error.to_string().contains(uri), "{error}");
    let mut transaction = mount.view.begin();
    let key = "role/person";
    let mut stored: Value = transaction.read(&mount.view, key).await.unwrap().unwrap();
    stored["allowed_redirect_uris"] = json!([CALLBACK, uri]);
    transaction.put_record(&mount.view, key, &stored).unwrap();
    transaction.commit().await.unwrap();
    for (redirect_uri, is_there) in [(uri, false), (CALLBACK, true)] {
        let body = json!({"role": "person", "redirect_uri": redirect_uri, "client_nonce": "n"});
        assert_eq!(
            !url(&mount, body).await.is_empty(),
            is_there,
            "{redirect_uri}"
        );
    }
}

#[tokio::test]
async fn http_leads_where_the_operator_allows_it() {
    let (mount, provider) = mount().await;
    // A provider elsewhere has nothing to name on this machine.
    for (endpoint, allow_http, expected) in [
        ("http://127.0.0.1:9/authorize", false, false),
        ("http://localhost:9/authorize", false, false),
        ("http://10.0.0.1/authorize", false, false),
        ("http://127.0.0.1:9/authorize", true, true),
        ("http://10.0.0.1/authorize", true, true),
    ] {
        provider.publish(&mount, json!({"authorization_endpoint": endpoint}));
        configure(&mount, json!({"allow_http": allow_http})).await;
        let is_there = !begin(&mount).await.is_empty();
        assert_eq!(is_there, expected, "{endpoint} {allow_http}");
    }
}

#[tokio::test]
async fn an_address_outside_of_the_role_begins_nothing() {
    let (mount, _) = mount().await;
    role(&mount, json!({"token_bound_cidrs": "10.0.0.0/8"})).await;
    let body = json!({"role": "person", "redirect_uri": CALLBACK});
    let error = mount.refusal("oidc/auth_url", body.clone()).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_ne!(url(&mount.at("10.1.2.3"), body).await, "");
}

#[tokio::test]
async fn the_secret_of_the_client_is_shown_nowhere() {
    let (mount, _) = mount().await;
    let read = mount.read("config").await;
    let text = serde_json::to_string(&read).unwrap();
    assert!(!text.contains(CLIENT_SECRET) && !text.contains("oidc_client_secret"));
}
