//! What `explain` shows, beyond agreeing with the login, which every other test checks.

use serde_json::{Value, json};

use super::{mount, role};

fn rows(data: &serde_json::Map<String, Value>) -> Vec<(&str, &str)> {
    let rows = data["checks"].as_array().unwrap().iter();
    rows.map(|row| {
        (
            row["check"].as_str().unwrap(),
            row["verdict"].as_str().unwrap(),
        )
    })
    .collect()
}

#[tokio::test]
async fn every_check_is_shown_and_what_was_not_reached_is_skipped() {
    let (mount, issuer) = mount().await;
    role(
        &mount,
        "r",
        json!({"bound_audiences": "vault", "groups_claim": "groups"}),
    )
    .await;
    let claims = json!({"sub": "s", "aud": "other", "groups": [1]});
    let body = json!({"role": "r", "jwt": issuer.token(&claims)});
    let data = mount.write("explain", body).await;
    assert_eq!(data["verdict"], "fail");
    assert_eq!(data["reason"], "audience_mismatch");
    assert_eq!(
        rows(&data),
        [
            ("configuration", "pass"),
            ("role", "pass"),
            ("role_type", "pass"),
            ("token_bound_cidrs", "pass"),
            ("token_format", "pass"),
            ("issuer_known", "pass"),
            ("signature", "pass"),
            ("claim_names", "pass"),
            ("issuer", "pass"),
            ("bound_issuers", "skipped"),
            ("bound_subject", "skipped"),
            ("bound_audiences", "fail"),
            ("time", "pass"),
            ("audience_expected", "pass"),
            ("user_claim", "pass"),
            ("claim_mappings", "skipped"),
            ("groups_claim", "fail"),
            ("bound_claims", "skipped"),
        ]
    );
    let failed = &data["checks"][11];
    assert_eq!(failed["expected"], json!(["vault"]));
    assert_eq!(failed["present"], json!(["other"]));
    assert_eq!(failed["reason"], "audience_mismatch");
    assert!(failed["hint"].as_str().unwrap().contains("bound_audiences"));

    let data = mount
        .write("explain", json!({"role": "r", "jwt": "a.b.c"}))
        .await;
    assert_eq!(data["reason"], "token_malformed");
    let rows = rows(&data);
    assert_eq!(rows[4], ("token_format", "fail"));
    assert!(rows[5..].iter().all(|(_, verdict)| *verdict == "skipped"));
    let data = mount
        .write("explain", json!({"role": "zz", "jwt": "x"}))
        .await;
    assert_eq!(data["reason"], "role_unknown");
}

#[tokio::test]
async fn a_token_that_would_log_in_passes_and_nothing_is_written() {
    let (mount, issuer) = mount().await;
    role(&mount, "r", json!({"bound_subject": "s"})).await;
    let before = mount.stored().await;
    let token = issuer.token(&json!({"sub": "s"}));
    let data = mount
        .write("explain", json!({"role": "r", "jwt": token}))
        .await;
    assert_eq!(
        (&data["verdict"], &data["reason"]),
        (&json!("pass"), &Value::Null)
    );
    assert_eq!(mount.stored().await, before);
}
