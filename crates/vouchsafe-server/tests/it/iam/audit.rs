//! What the audit log shows of callers with a JWT, and of those who were refused.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ALLOWED, Idp, core_with, refusal_of};
use crate::harness::{T0, TestCore};

const UNKNOWN: &str = "https://other.example/";

/// A core with an audit device, and the device's file.
pub(super) async fn audited(tables: &str) -> (TestCore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let core = core_with(tables).await;
    let path = folder.path().join("audit.log");
    let options = json!({"type": "file", "options": {"file_path": path.to_str()}});
    core.write("sys/audit/file", options).await;
    (core, folder)
}

/// The entries about [`ALLOWED`], and the whole text.
fn entries(folder: &TempDir) -> (Vec<Value>, String) {
    let text = std::fs::read_to_string(folder.path().join("audit.log")).expect("a log");
    let lines = text.lines();
    let entries: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|entry: &Value| entry["request"]["path"] == ALLOWED)
        .collect();
    (entries, text)
}

/// The audit log shows who it was, through which provider and as what.
#[tokio::test]
async fn the_audit_log_shows_provider_subject_and_role() {
    let idp = Idp::new("k1");
    let (core, folder) = audited(&idp.table("app1", "", "")).await;
    let token = idp.token(json!({}));
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    let (entries, text) = entries(&folder);
    assert!(!text.contains(&token), "the token is in the log");
    for entry in &entries {
        assert_eq!(entry["auth"]["display_name"], "app1/ci");
        assert_eq!(
            entry["auth"]["metadata"],
            json!({"idp": "app1", "iss": "https://idp.example/", "role": "App", "sub": "ci"})
        );
        assert_eq!(entry["auth"]["policies"], json!(["app"]));
        assert_eq!(entry["auth"]["policy_results"]["allowed"], true);
        assert!(
            entry["auth"]["client_token"]
                .as_str()
                .is_some_and(|hash| hash.starts_with("hmac-sha256:"))
        );
    }
    assert_eq!(entries.len(), 2);
}

/// Both entries of a refusal name the provider that was chosen, and nothing that only the token says.
#[tokio::test]
async fn a_refusal_names_the_provider_that_was_chosen() {
    let idp = Idp::new("k1");
    let head = "allowed_roles = ['App']\n[idps.app1.roles_map]\n'App' = 'App'\n'other' = 'Other'\n'gone' = 'App'";
    let bound = "[idps.app1.conf.bound_claims]\nenv = 'secretly-prod'";
    let (core, folder) = audited(&idp.table("app1", head, bound)).await;
    let token = |claims: Value| {
        let mut all = json!({"env": "secretly-prod", "sub": "secretly-me"});
        for (name, value) in claims.as_object().expect("an object") {
            all[name] = value.clone();
        }
        idp.token(all)
    };
    let stranger = Idp::new("k1").token(json!({"env": "secretly-prod", "sub": "secretly-me"}));
    let foreign = Idp::new("k2").token(json!({"sub": "secretly-me"}));
    let hmac = super::confusion::hmac_token(
        &json!({"iss": "https://idp.example/", "aud": "vault", "sub": "secretly-me"}),
        "k1",
        &[7; 32],
    );
    let cases = [
        (stranger, "signature_invalid"),
        (foreign, "key_not_found"),
        (hmac, "algorithm_not_allowed"),
        (token(json!({"exp": T0 - 60})), "expired"),
        (token(json!({"exp": null})), "expiry_missing"),
        (token(json!({"nbf": T0 + 61})), "not_yet_valid"),
        (token(json!({"iat": T0 + 61})), "issued_in_future"),
        (token(json!({"sub": null})), "subject_invalid"),
        (token(json!({"env": null})), "bound_claim_missing"),
        (
            token(json!({"env": "secretly-test"})),
            "bound_claim_mismatch",
        ),
        (token(json!({"roles": null})), "role_claim_missing"),
        (token(json!({"roles": []})), "role_claim_not_one"),
        (token(json!({"roles": "secretly-x"})), "role_not_mapped"),
        (token(json!({"roles": "other"})), "role_not_allowed"),
        (
            token(json!({"https://app.piiano.io/prop/owner": "secretly-x"})),
            "restriction_not_enforceable",
        ),
    ];
    for (token, reason) in &cases {
        assert_eq!(refusal_of(&core, ALLOWED, token).await, *reason);
    }
    let (entries, text) = entries(&folder);
    assert_eq!(entries.len(), 2 * cases.len());
    for entry in entries {
        let auth = &entry["auth"];
        assert_eq!(auth["metadata"], json!({"idp": "app1"}), "{entry}");
        assert_eq!(auth["policy_results"]["allowed"], false, "{entry}");
        assert_eq!(auth["display_name"], Value::Null, "{entry}");
    }
    assert!(!text.contains("secretly"), "{text}");
}

/// A provider that is disabled, one whose keys can't be had, a role that is gone.
#[tokio::test]
async fn a_refusal_names_a_provider_that_takes_no_tokens_now() {
    let (idp, uri) = (Idp::new("k1"), "https://idp.example/jwks");
    for (table, reason) in [
        (idp.table("app1", "disabled = true", ""), "idp_disabled"),
        (idp.remote_table("app1", uri), "keys_unavailable"),
        (
            idp.table("app1", "", "namespace_top_claim = 'roles'"),
            "namespace_claim_invalid",
        ),
        (idp.table("app1", "", "roles_claim = 'sub'"), "role_unknown"),
    ] {
        let (core, folder) = audited(&table).await;
        assert_eq!(
            refusal_of(&core, ALLOWED, &idp.token(json!({}))).await,
            reason
        );
        for entry in entries(&folder).0 {
            assert_eq!(entry["reason"], reason);
            assert_eq!(entry["auth"]["metadata"], json!({"idp": "app1"}));
        }
    }
}

/// Where none was chosen, none is named, whatever the token says.
#[tokio::test]
async fn a_refusal_without_a_provider_names_none() {
    let idp = Idp::new("k1");
    let (core, folder) = audited(&idp.table("app1", "", "")).await;
    for (token, reason) in [
        (idp.token(json!({"iss": UNKNOWN})), "idp_unknown"),
        (idp.token(json!({"aud": "app1"})), "idp_unknown"),
        (
            "eyJhbGciOiJub25lIn0.e30.".to_owned(),
            "algorithm_not_allowed",
        ),
    ] {
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, reason);
    }
    let (entries, text) = entries(&folder);
    assert_eq!(entries.len(), 6);
    for entry in entries {
        assert_eq!(entry["auth"]["metadata"], Value::Null, "{entry}");
    }
    assert!(!text.contains(UNKNOWN), "{text}");
}

/// Whose entity is disabled has proved who it is: the entry says so.
#[tokio::test]
async fn a_refusal_of_a_disabled_entity_says_whose_it_is() {
    let idp = Idp::new("k1");
    let (core, folder) = audited(&idp.table("app1", "", "")).await;
    let id = super::entity::add_entity(&core, "ci", "https://idp.example/#ci").await;
    let disabled = json!({"disabled": true});
    core.write(&format!("identity/entity/id/{id}"), disabled)
        .await;
    let token = idp.token(json!({}));
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "entity_disabled");
    for entry in entries(&folder).0 {
        assert_eq!(
            entry["auth"]["metadata"],
            json!({"idp": "app1", "iss": "https://idp.example/", "role": "App", "sub": "ci"})
        );
    }
}
