//! What changes holds from the very next request on, on every node.

use std::time::Duration;

use serde_json::json;

use super::{ALLOWED, Idp, ROLES, apply, core_with, refusal_of};

#[tokio::test]
async fn a_file_that_is_applied_holds_at_once() {
    let (old, new) = (Idp::new("k1"), Idp::new("k1"));
    let core = core_with(&old.table("app1", "", "")).await;
    let token = old.token(json!({}));
    for _ in 0..2 {
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    }
    // Other keys, another set of roles, no provider at all: each time the remembered token is worth
    // what the file says now.
    apply(&core, &new.table("app1", "", "")).await;
    assert_eq!(
        refusal_of(&core, ALLOWED, &token).await,
        "signature_invalid"
    );
    apply(&core, &old.table("app1", "allowed_roles = ['Other']", "")).await;
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "role_not_allowed");
    apply(&core, "").await;
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "idp_unknown");
    apply(&core, &old.table("app1", "", "")).await;
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
}

/// Two cores over one storage: what one applies holds on the other without anybody telling it.
#[tokio::test]
async fn a_file_that_another_node_applies_holds_at_once() {
    let idp = Idp::new("k1");
    let here = core_with(&idp.table("app1", "", "")).await;
    let there = here.beside().await;
    let token = idp.token(json!({}));
    assert_eq!(refusal_of(&here, ALLOWED, &token).await, "");
    assert_eq!(refusal_of(&there, ALLOWED, &token).await, "");
    apply(&there, &idp.table("app1", "disabled = true", "")).await;
    assert_eq!(refusal_of(&here, ALLOWED, &token).await, "idp_disabled");
    assert_eq!(refusal_of(&there, ALLOWED, &token).await, "idp_disabled");
}

#[tokio::test]
async fn a_change_of_a_roles_policy_holds_at_once() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let token = idp.token(json!({}));
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    core.delete("sys/policies/acl/app").await;
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "policy_denied");
}

/// A faulty file changes nothing, and is refused with all its faults.
#[tokio::test]
async fn a_faulty_file_changes_nothing() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let token = idp.token(json!({}));
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    let before = core.records().await;
    let faulty = format!("{ROLES}[users.x]\nrole = 'Nobody'\n[idps.y]\ntype = 'z'\n");
    let outcome = core
        .handle(
            vouchsafe_logical::Operation::Update,
            "sys/pvlt/ctl/iam/conf",
            Some(&core.root_token),
            json!({ "conf": faulty }),
        )
        .await;
    let error = outcome.result.expect_err("a faulty file was applied");
    assert_eq!(error.reason(), "iam_file_invalid");
    let message = error.to_string();
    for said in [
        "users.x.role: there is no role",
        "idps.y.type: ",
        "`conf` is missing",
    ] {
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(core.records().await, before);
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
}

/// A provider changes its keys: tokens of the new one are taken at once (one fetch), those of the old
/// one are refused as soon as it is known to be gone.
#[tokio::test]
async fn a_provider_that_rotates_its_keys_is_followed() {
    let uri = "https://idp.example/jwks";
    let (old, new) = (Idp::new("2025"), Idp::new("2026"));
    let core = core_with(&old.remote_table("app1", uri)).await;
    core.fetcher.serve(uri, old.jwks());
    let (before, after) = (old.token(json!({})), new.token(json!({})));
    assert_eq!(refusal_of(&core, ALLOWED, &before).await, "");
    assert_eq!(refusal_of(&core, ALLOWED, &before).await, "");
    assert_eq!(core.fetcher.count(uri), 1);
    core.fetcher.serve(uri, new.jwks());
    assert_eq!(refusal_of(&core, ALLOWED, &after).await, "");
    assert_eq!(core.fetcher.count(uri), 2);
    // The keys are others, so that what they verified is asked again.
    assert_eq!(refusal_of(&core, ALLOWED, &before).await, "key_not_found");
    assert_eq!(refusal_of(&core, ALLOWED, &after).await, "");
}

/// Remembered tokens cause no fetch, and would hide a rotation: an errand fetches for them.
#[tokio::test]
async fn a_rotation_is_noticed_by_the_errand_too() {
    let uri = "https://idp.example/jwks";
    let (old, new) = (Idp::new("2025"), Idp::new("2026"));
    let core = core_with(&old.remote_table("app1", uri)).await;
    core.fetcher.serve(uri, old.jwks());
    let token = old.token(json!({"exp": crate::harness::T0 + 30 * 24 * 3_600}));
    for _ in 0..2 {
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
    }
    core.fetcher.serve(uri, new.jwks());
    core.clock.advance(Duration::from_secs(24 * 3_600));
    core.core.run_errands().await;
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "key_not_found");
}

#[tokio::test]
async fn a_provider_whose_keys_can_not_be_had_is_not_the_clients_fault() {
    let uri = "https://idp.example/jwks";
    let idp = Idp::new("k1");
    let core = core_with(&idp.remote_table("app1", uri)).await;
    let outcome = core
        .handle(
            vouchsafe_logical::Operation::Read,
            ALLOWED,
            Some(&idp.token(json!({}))),
            json!({}),
        )
        .await;
    let error = outcome.result.expect_err("there are no keys");
    assert_eq!(
        error.kind(),
        vouchsafe_logical::ErrorKind::Unavailable,
        "{error}"
    );
}

/// A file as large as files may be can be stored, whatever is in it.
#[tokio::test]
async fn the_largest_file_can_be_applied() {
    const LARGEST: usize = 500 * 1024;
    let core = core_with("").await;
    let begin = "[users]\n[roles]\n[policies]\n#";
    // Each of these takes two bytes where it is stored.
    let rest = "\"".repeat(LARGEST - begin.len());
    let conf = format!("{begin}{rest}");
    core.write("sys/pvlt/ctl/iam/conf", json!({ "conf": conf }))
        .await;
}

/// Where the configuration applies a file at every start, nobody else changes it.
#[tokio::test]
async fn a_file_of_the_configuration_is_changed_there_alone() {
    use vouchsafe_core::{ApplyAtStart, IamFile};
    let core = core_with("").await;
    let update = vouchsafe_logical::Operation::Update;
    let conf = "[users]\n[roles]\n[policies]\n".to_owned();
    for (apply, reason) in [
        (ApplyAtStart::Once, ""),
        (ApplyAtStart::Always, "iam_managed_by_file"),
    ] {
        let file = IamFile::parse(conf.clone(), apply).expect("a sound file");
        core.core.iam().file.store(Some(file.into()));
        let root = Some(core.root_token.as_str());
        let body = json!({ "conf": conf });
        let outcome = core
            .handle(update, "sys/pvlt/ctl/iam/conf", root, body)
            .await;
        let found = outcome.result.err().map_or("", |error| error.reason());
        assert_eq!(found, reason, "{apply:?}");
    }
    assert!(IamFile::parse("[users]\n".to_owned(), ApplyAtStart::Once).is_err());
}
